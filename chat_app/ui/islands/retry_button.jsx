// Retry, counting down first where a server said how long to wait.
import { useEffect, useState } from "react";
import { number, t } from "./i18n.js";

export function RetryButton({ seconds, onRetry }) {
  const [left, count] = useState(seconds);
  useEffect(() => {
    if (left <= 0) return undefined;
    const timer = setTimeout(() => count(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return (
    <button type="button" className="button primary" disabled={left > 0} onClick={() => onRetry()}>
      {left > 0 ? t("action.retry_in", { seconds: number(left) }) : t("action.retry")}
    </button>
  );
}
