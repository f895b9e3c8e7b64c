// One message's words: reasoning, Markdown, sources.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { Given, isGiven } from "./given.jsx";
import { number, t } from "./i18n.js";
import { laidOut } from "./json_text.js";
import { useNear } from "./near_hook.js";
import { Plain, Prose } from "./prose.jsx";
import { want, wordsOf } from "./words.js";
import { Cited, Sources } from "./sources.jsx";
import { useWords } from "./words_hook.js";

const NEAR = "1200px"; // until then the plain words keep its place
const FOLD_LINES = 8;
const LINE_CHARS = 80;
const NONE = [];

function Reasoning({ part, live, isLast }) {
  // How long is known of what was heard from its beginning, and once it is stored.
  const seconds = part.duration_ms ? Math.max(1, Math.round(part.duration_ms / 1000)) : 0;
  const label = live && isLast ? t("message.thinking") : seconds ? t("message.thought", { seconds: number(seconds) }) : t("message.thoughts");
  return (
    <details className="reasoning">
      <summary>{label}</summary>
      <div className="plain">{part.text}</div>
    </details>
  );
}

/** A call that the model asks for, or what a tool gave back: to be read, as nothing here makes calls. */
const Tool = ({ label, text }) => (
  <details className="reasoning">
    <summary>{label}</summary>
    <pre className="plain">{laidOut(text)}</pre>
  </details>
);

export function MessageBody({ messageId, role, status }) {
  const words = useWords(messageId);
  const [ref, isNear] = useNear(NEAR);
  // However the page learned of the end, by the stream or by the state, the settled words are read once more. A quick
  // answer may have ended before the page heard that it had begun.
  const before = useRef(status);
  useEffect(() => {
    const isBehind = before.current !== status || wordsOf(messageId)?.status === "streaming";
    if (isBehind && status !== "streaming") want(messageId);
    before.current = status;
  }, [messageId, status]);
  const live = status === "streaming";
  const parts = words?.parts ?? [];
  const isWordless = parts.length > 0 && parts.every(isGiven);
  const sources = parts.find(({ type }) => type === "sources")?.sources ?? NONE;
  return (
    <Cited.Provider value={sources}>
    <Given parts={parts} />
    <div ref={ref} className={`body ${role}`} data-loaded={words ? "true" : "false"} hidden={isWordless}>
      {/* Sources come before the words and stand after them, as notes do. */}
      {parts.map((part, index) => {
        if (part.type === "reasoning" && part.text) return <Reasoning key={index} part={part} live={live} isLast={index === parts.length - 1} />;
        if (part.type === "tool_call") return <Tool key={index} label={t("message.tool_call", { name: part.name })} text={part.arguments} />;
        if (part.type === "tool_result") return <Tool key={index} label={t("message.tool_result")} text={part.text} />;
        if (part.type !== "text") return null;
        if (role === "user") return <Folded key={index} text={part.text} />;
        if (!(isNear || live)) return <Far key={index} text={part.text} />;
        return <Prose key={index} text={part.text} live={live} />;
      })}
      {sources.length > 0 && <Sources sources={sources} />}
      {live && words?.isAway && <p className="notice" role="status">{t("message.away")}</p>}
      {words?.unsaved && <p className="notice" role="status">{t("message.unsaved")}</p>}
    </div>
    </Cited.Provider>
  );
}

/** About how many lines a text is, for the room of what is not laid out: fifty long messages would take 0.1 s. */
const aboutLines = (text) => text.split("\n").reduce((lines, line) => lines + Math.max(1, Math.ceil(line.length / LINE_CHARS)), 0);

const Far = ({ text }) => (
  <div className="far" style={{ containIntrinsicHeight: `auto ${aboutLines(text)}lh` }}><Plain text={text} /></div>
);

/** A question of more than eight lines, as they are set, shows the first eight. */
export function Folded({ text }) {
  const [isOpen, open] = useState(false);
  const [lines, count] = useState(() => aboutLines(text));
  const ref = useRef(null);
  useLayoutEffect(() => {
    const folded = ref.current;
    const measure = () => {
      if (!folded.firstElementChild.checkVisibility({ contentVisibilityAuto: true })) return;
      count(Math.round(folded.scrollHeight / parseFloat(getComputedStyle(folded).lineHeight)));
    };
    const watch = new ResizeObserver(measure);
    watch.observe(folded);
    folded.addEventListener("contentvisibilityautostatechange", measure);
    return () => {
      watch.disconnect();
      folded.removeEventListener("contentvisibilityautostatechange", measure);
    };
  }, [text]);
  const isLong = lines > FOLD_LINES;
  return (
    <>
      <div ref={ref} className={isLong && !isOpen ? "folded" : ""}><Plain text={text} /></div>
      {isLong && (
        <button type="button" className="link unfold-question" aria-expanded={isOpen} onClick={() => open(!isOpen)}>
          {isOpen ? t("message.fold") : t("message.unfold", { lines: number(lines) })}
        </button>
      )}
    </>
  );
}
