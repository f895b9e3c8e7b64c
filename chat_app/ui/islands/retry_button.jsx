// Retry, counting down first where a server said how long to wait.
import { useEffect, useState } from "react";
import { number, t } from "./i18n.js";

export function RetryButton({ at, onRetry }) {
  const wait = () => Math.ceil((at - Date.now()) / 1000);
  const [left, count] = useState(wait);
  useEffect(() => {
    if (left <= 0) return undefined;
    const timer = setTimeout(() => count(wait()), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return (
    <button type="button" className="button primary" disabled={left > 0} onClick={() => onRetry()}>
      {left > 0 ? t("action.retry_in", { seconds: number(left) }) : t("action.retry")}
    </button>
  );
}
