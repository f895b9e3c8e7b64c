// What a person is told while no word of an answer comes: at 150 ms whom we wait for, at 3 s how long, at 10 s why it may be, and a way out.
import { useEffect, useRef, useState } from "react";
import { number, t } from "./i18n.js";
import { wordsOf } from "./words.js";

export function Waiting({ id, model, children }) {
  const [now, tick] = useState(0);
  const since = useRef(Date.now());
  useEffect(() => {
    since.current = Date.now();
    const timer = setInterval(() => tick((n) => n + 1), 500);
    const first = setTimeout(() => tick((n) => n + 1), 150);
    return () => {
      clearInterval(timer);
      clearTimeout(first);
    };
  }, [id]);
  const words = wordsOf(id);
  const hasBegun = words?.parts.some((part) => part.text);
  const silence = Date.now() - (words?.grewAt ?? since.current);
  void now;
  if (hasBegun) return silence > 10_000 ? <p className="waiting">{t("waiting.silent", { seconds: Math.floor(silence / 1000) })}</p> : null;
  if (silence < 150) return null;
  const seconds = Math.floor(silence / 1000);
  return (
    <div className="waiting">
      {seconds >= 10 ? t("waiting.slow") : t("waiting.for", { model })}
      {seconds >= 3 && <span className="count">{number(seconds)}&nbsp;s</span>}
      {seconds >= 10 && children}
    </div>
  );
}
