// Other conversations that speak of the same as the open one, asked for when one wants to see them.
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { ask } from "./ask.js";
import { date, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { put } from "./picking.js";
import { reveal } from "./reveal.js";

export function Related({ conversationId }) {
  const [isOpen, open] = useState(false);
  const [told, setTold] = useState(null); // {conversations}, or {trouble}
  const root = useRef(null);
  const list = useRef(null);
  const button = useRef(null);
  const navigate = useNavigate();
  const last = useRef("");
  useEffect(() => {
    if (!conversationId) return; // a new one's state begins anew once it has its address
    if (last.current && last.current !== conversationId) open(false);
    last.current = conversationId;
  }, [conversationId]);
  useEffect(() => {
    if (!isOpen || !conversationId) return undefined;
    const asked = { isGivenUp: false };
    setTold(null);
    put(list.current, button.current);
    ask(`/api/search/related?conversation=${encodeURIComponent(conversationId)}`).then(
      (found) => asked.isGivenUp || setTold(found),
      (sentence) => asked.isGivenUp || setTold({ trouble: String(sentence) }),
    );
    const away = (event) => root.current?.contains(event.target) || open(false);
    const turned = () => open(false); // a phone: its list stands elsewhere then
    addEventListener("pointerdown", away);
    addEventListener("resize", turned);
    return () => {
      asked.isGivenUp = true;
      removeEventListener("pointerdown", away);
      removeEventListener("resize", turned);
    };
  }, [isOpen, conversationId]);
  useEffect(() => {
    if (!told || !list.current) return; // closed before it came
    put(list.current, button.current); // it is larger now
    list.current.querySelector("a")?.focus();
  }, [told]);
  const close = () => {
    open(false);
    button.current.focus();
  };
  const onKeyDown = (event) => {
    if (!isOpen || event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  const go = (event, { message }) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
    event.preventDefault();
    reveal(message, navigate).then(() => open(false), (sentence) => setTold({ trouble: String(sentence) }));
  };
  if (!conversationId) return null;
  const label = t("related.title");
  return (
    <div ref={root} className="related" onKeyDown={onKeyDown}>
      <button ref={button} type="button" className="icon" aria-label={t("related.button")} title={label} aria-expanded={isOpen} onClick={() => open(!isOpen)}><Icon name="layers" /></button>
      {isOpen && (
        <section ref={list} popover="manual" className="popover related-list" aria-label={label}>
          <h2>{label}</h2>
          {told?.conversations?.length > 0 && (
            <ul>
              {told.conversations.map((each) => (
                <li key={each.conversation}>
                  <a href={`/c/${each.conversation}`} onClick={(event) => go(event, each)}>
                    <span className="title" dir="auto">{each.title}</span>
                    <time className="figure" dateTime={new Date(each.at).toISOString()}>{date(each.at)}</time>
                    <span className="said" dir="auto">{each.text}</span>
                  </a>
                </li>
              ))}
            </ul>
          )}
          <p role="status">{told?.trouble ?? (told ? !told.conversations.length && t("related.none") : t("related.looking"))}</p>
        </section>
      )}
    </div>
  );
}
