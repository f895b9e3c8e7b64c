// What an answer stands on: numbered passages, each of which opens where it is from.
import { createContext, useContext, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { act } from "./acts.js";
import { t } from "./i18n.js";
import { placeOf } from "./passage.jsx";
import { reveal } from "./reveal.js";

const MESSAGE = "message:";

/** The sources of the message that is being rendered. */
export const Cited = createContext([]);

const titleOf = ({ title, page }) => (page ? t("source.at_page", { title, page }) : title);

function Opener({ source }) {
  const navigate = useNavigate();
  const [trouble, say] = useState("");
  const place = placeOf(source);
  if (place) return <button type="button" className="link" onClick={() => act("passage", place)}>{source.page ? t("source.open_page", { page: source.page }) : t("source.open")}</button>;
  if (!source.ref?.startsWith(MESSAGE)) return null;
  return (
    <>
      <button type="button" className="link" onClick={() => reveal(source.ref.slice(MESSAGE.length), navigate).catch((sentence) => say(String(sentence)))}>{t("source.open_message")}</button>
      {trouble && <p role="alert" className="limit">{trouble}</p>}
    </>
  );
}

export const Sources = ({ sources }) => (
  <ol className="sources" aria-label={t("message.sources")}>
    {sources.map((source) => (
      <li key={source.number} value={source.number} data-source={source.number}>
        <details>
          <summary dir="auto">{titleOf(source)}</summary>
          <div className="plain" dir="auto">{source.text}</div>
          <Opener source={source} />
        </details>
      </li>
    ))}
  </ol>
);

/** A number in an answer that names one of its sources, which it opens; any other number is what it was. */
export function Cite({ number, text }) {
  const source = useContext(Cited).find((each) => each.number === number);
  const ref = useRef(null);
  if (!source) return text;
  const open = () => {
    const place = placeOf(source);
    if (place) return act("passage", place);
    const details = ref.current.closest(".body").querySelector(`[data-source="${number}"] details`);
    details.open = true;
    details.scrollIntoView({ block: "nearest" });
    details.querySelector("summary").focus();
  };
  return <button ref={ref} type="button" className="cite" aria-label={t("source.number", { number, title: titleOf(source) })} title={titleOf(source)} onClick={open}>{text}</button>;
}

const NUMBER = /(?<![\p{L}\p{N}_\])])[[【](\d{1,3})[\]】]/gu; // not that of a list, as in a[1]
const words = (value) => ({ type: "text", value });

/** A text of Markdown, with links that `Cite` is made of in place of the numbers in brackets. */
function pieces(value) {
  const found = [];
  let at = 0;
  for (const { 0: text, 1: number, index } of value.matchAll(NUMBER)) {
    // No link that an answer writes has this property.
    found.push(words(value.slice(at, index)), { type: "link", url: "", data: { hProperties: { dataCite: number } }, children: [words(text)] });
    at = index + text.length;
  }
  return [...found, words(value.slice(at))].filter((piece) => piece.type === "link" || piece.value);
}

/** In a tree of Markdown, numbers in brackets are marked; those in code and in links stay. */
export function markCites(node) {
  if (node.type === "link" || !node.children) return node;
  node.children = node.children.flatMap((child) => (child.type === "text" ? pieces(child.value) : [markCites(child)]));
  return node;
}
