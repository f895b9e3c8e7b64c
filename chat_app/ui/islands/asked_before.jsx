// While the first message of a new chat is written: that the same was asked before, and the way to the answer it got.
import { useEffect, useState, useSyncExternalStore } from "react";
import { useLocation, useNavigate } from "react-router";
import { ask, post } from "./ask.js";
import { draftOf, isNewHere, onDrafts, whole } from "./drafts.js";
import { date, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { reveal } from "./reveal.js";

const PAUSE_MS = 600;
const FEWEST = 8; // characters that may be a question
const MOST = 1000;
const dismissed = new Set(); // messages that are no help today

export function AskedBefore() {
  useLocation(); // another address is another draft, or none
  const [found, setFound] = useState(null);
  const navigate = useNavigate();
  const text = useSyncExternalStore(onDrafts, () => (isNewHere() ? whole(draftOf("")).slice(0, MOST) : ""));
  useEffect(() => {
    if (text.trim().length < FEWEST) return void setFound(null);
    const given = new AbortController();
    const timer = setTimeout(() => {
      ask("/api/search/before", { ...post({ text }), signal: given.signal }).then(
        ({ question }) => given.signal.aborted || setFound(question),
        () => given.signal.aborted || setFound(null), // a help that is not there is not missed
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      given.abort();
    };
  }, [text]);
  if (!found || !text || dismissed.has(found.message)) return null;
  const dismiss = () => {
    dismissed.add(found.message);
    setFound(null);
  };
  return (
    <p role="status" className="strip asked-before">
      <span className="grow" dir="auto">{t("before.said", { date: date(found.at), text: found.text })}</span>
      <button type="button" className="link" onClick={() => reveal(found.message, navigate).catch(dismiss)}>{t("before.open")}</button>
      <button type="button" className="quiet icon-only" aria-label={t("action.dismiss")} onClick={dismiss}><Icon name="x" size={14} /></button>
    </p>
  );
}
