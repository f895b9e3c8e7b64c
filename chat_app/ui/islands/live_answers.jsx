// Follows the running answers of the open conversation while the page is visible, and says how they fare.
import { useEffect, useRef, useState } from "react";
import { number, t } from "./i18n.js";
import { follow, want, wordsOf } from "./words.js";

export function LiveAnswers({ conversationId, running, model, unread, title, onSettled }) {
  const [isVisible, setVisible] = useState(() => document.visibilityState === "visible");
  const [said, say] = useState("");
  const call = useRef(onSettled);
  call.current = onSettled;
  const ids = running.join(",");

  useEffect(() => {
    const look = () => setVisible(document.visibilityState === "visible");
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);

  useEffect(() => {
    if (!conversationId || !ids || !isVisible) return undefined;
    say(t("status.answering", { model }));
    return follow(conversationId, (id, status) => {
      if (!id) ids.split(",").forEach(want); // the log knows of nothing running: the store has the words
      else say(t(`status.${status}`));
      call.current(id);
    });
  }, [conversationId, ids, isVisible, model]);

  useEffect(() => {
    const mark = ids ? "● " : unread ? "✓ " : "";
    document.title = `${mark}${title || t("app.name")}`;
  }, [ids, unread, title]);

  return (
    <>
      <p className="visually-hidden" role="status">{said}</p>
      {ids && <Waiting id={ids.split(",")[0]} model={model} />}
    </>
  );
}

/** What a person is told while no word comes: at 150 ms whom we wait for, at 3 s how long, at 10 s why it may be. */
function Waiting({ id, model }) {
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
    <p className="waiting">
      {seconds >= 10 ? t("waiting.slow") : t("waiting.for", { model })}
      {seconds >= 3 && <span className="count"> {number(seconds)}&nbsp;s</span>}
    </p>
  );
}
