// One message's words: reasoning, Markdown, sources.
import { useEffect, useRef, useState } from "react";
import { t } from "./i18n.js";
import { Plain, Prose } from "./prose.jsx";
import { subscribe, want, wordsOf } from "./words.js";

const NEAR = "1200px";

function Reasoning({ part, live, isLast }) {
  const seconds = Math.max(1, Math.round((part.duration_ms ?? 0) / 1000));
  const label = live && isLast ? t("message.thinking") : t("message.thought", { seconds });
  return (
    <details className="reasoning">
      <summary>{label}</summary>
      <div className="plain">{part.text}</div>
    </details>
  );
}

const Sources = ({ sources }) => (
  <ol className="sources" aria-label={t("message.sources")}>
    {sources.map((source) => (
      <li key={source.number} value={source.number}>
        <details>
          <summary>{source.title}</summary>
          <div className="plain">{source.text}</div>
        </details>
      </li>
    ))}
  </ol>
);

/** Render again when the words change, once per frame at most. */
function useWords(id) {
  const [, render] = useState(0);
  useEffect(() => {
    let frame = 0;
    const paint = () => {
      frame = 0;
      render((n) => n + 1);
    };
    const stop = subscribe(id, () => (frame ||= requestAnimationFrame(paint)));
    paint();
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, [id]);
  return wordsOf(id);
}

/** Only what nears the view is rendered as Markdown; until then the plain words keep its place. */
function useNear() {
  const ref = useRef(null);
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    const watch = new IntersectionObserver((seen) => seen.some((e) => e.isIntersecting) && setNear(true), { rootMargin: NEAR });
    watch.observe(ref.current);
    return () => watch.disconnect();
  }, []);
  return [ref, isNear];
}

export function MessageBody({ messageId, role, status }) {
  const words = useWords(messageId);
  const [ref, isNear] = useNear();
  // However the page learned of the end, by the stream or by the state, the settled words are read once more.
  const before = useRef(status);
  useEffect(() => {
    if (before.current === "streaming" && status !== "streaming") want(messageId);
    before.current = status;
  }, [messageId, status]);
  const live = status === "streaming";
  const parts = words?.parts ?? [];
  const fold = role === "user" && parts[0]?.text.split("\n").length > 8;
  return (
    <div ref={ref} className={`body ${role}`} data-loaded={words ? "true" : "false"}>
      {fold ? <Folded text={parts[0].text} /> : parts.map((part, index) => {
        if (part.type === "reasoning") return <Reasoning key={index} part={part} live={live} isLast={index === parts.length - 1} />;
        if (part.type === "sources") return <Sources key={index} sources={part.sources} />;
        if (part.type !== "text") return null;
        if (role === "user" || !(isNear || live)) return <Plain key={index} text={part.text} />;
        return <Prose key={index} text={part.text} live={live} />;
      })}
      {words?.unsaved && <p className="notice" role="status">{t("message.unsaved")}</p>}
    </div>
  );
}

function Folded({ text }) {
  const [isOpen, open] = useState(false);
  const lines = text.split("\n");
  return (
    <>
      <div className="plain">{isOpen ? text : lines.slice(0, 8).join("\n")}</div>
      <button type="button" className="link" aria-expanded={isOpen} onClick={() => open(!isOpen)}>
        {isOpen ? t("message.fold") : t("message.unfold", { lines: lines.length })}
      </button>
    </>
  );
}
