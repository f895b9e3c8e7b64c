// Read-only code with a bar: language, wrap (remembered), copy. Highlighted once it is complete; plain while it grows.
import { useContext, useEffect, useLayoutEffect, useRef, useState } from "react";
import { CopyButton } from "./copy_button.jsx";
import { number, t } from "./i18n.js";
import { Live } from "./live_context.js";

const FOLD_PX = 480;
const NEVER_TALL_LINES = 12; // below it nobody need measure, which lays the page out once for each block
const color = (name) => `var(--code-${name})`;
const rule = (scope, name) => ({ scope, settings: { foreground: color(name) } });
const theme = {
  name: "page",
  type: "light",
  fg: "var(--text)",
  bg: "transparent",
  settings: [
    { settings: { foreground: "var(--text)" } },
    rule(["keyword", "storage", "constant.language"], "key"),
    rule(["string", "markup.inserted"], "str"),
    rule(["constant.numeric", "constant.character"], "num"),
    rule(["entity.name.function", "support.function", "entity.name.type", "entity.name.class", "entity.name.tag"], "fn"),
    rule(["comment", "punctuation.definition.comment"], "com"),
  ],
};
let plugin;

/** Colour tokens when the highlighter has loaded; null until then and for languages it does not know. */
function useTokens(code, language, isOpen) {
  const [tokens, setTokens] = useState(null);
  useEffect(() => {
    let isGone = false;
    if (isOpen || !language) return undefined;
    plugin ??= import("@streamdown/code").then(({ createCodePlugin }) => createCodePlugin({ themes: [theme, theme] }));
    plugin.catch(() => (plugin = undefined)); // plain code stands; the next block tries again
    plugin.then((shiki) => {
      if (isGone || !shiki.supportsLanguage(language)) return;
      const done = (result) => !isGone && setTokens(result.tokens);
      const now = shiki.highlight({ code, language, themes: [theme, theme] }, done);
      if (now) done(now);
    }, () => {});
    return () => {
      isGone = true;
    };
  }, [code, language, isOpen]);
  return tokens;
}

const Line = ({ tokens }) =>
  tokens.map((token, index) => (
    <span key={index} style={{ color: token.htmlStyle?.color ?? token.color }}>
      {token.content}
    </span>
  ));

export function CodeBlock({ code, language, isOpen = false }) {
  const tokens = useTokens(code, language, isOpen);
  const [wraps, setWraps] = useState(() => localStorage.getItem("chat_app.wrap") === "1");
  const lines = code.split("\n").length;
  const isOver = !useContext(Live);
  const [isUnfolded, unfold] = useState(!isOver); // what was read as it grew stays open: its end moves nothing
  useEffect(() => {
    if (!isOver) unfold(true); // also where a folded one goes on
  }, [isOver]);
  const [isTall, setTall] = useState(false);
  const pre = useRef(null);
  useLayoutEffect(() => {
    if (isOver) setTall((wraps || lines > NEVER_TALL_LINES) && pre.current.scrollHeight > FOLD_PX);
  }, [code, lines, wraps, isOver]);
  const isFolded = isOver && isTall && !isUnfolded;
  const wrap = () => {
    setWraps(!wraps);
    localStorage.setItem("chat_app.wrap", wraps ? "0" : "1");
  };
  return (
    <figure className="code" data-language={language}>
      <figcaption>
        <span>{language || t("code.plain")}</span>
        <button type="button" aria-pressed={wraps} onClick={wrap}>
          {t("code.wrap")}
        </button>
        <CopyButton text={() => code} />
      </figcaption>
      <pre ref={pre} dir="ltr" tabIndex={0} role="region" aria-label={t("code.label", { language: language || t("code.plain") })} data-wraps={wraps} data-folded={isFolded}>
        <code>
          {tokens
            ? tokens.map((line, index) => (
                <span key={index}>
                  <Line tokens={line} />
                  {"\n"}
                </span>
              ))
            : code}
        </code>
      </pre>
      {isFolded && (
        <button type="button" className="unfold" onClick={() => unfold(true)}>
          {t("code.unfold", { lines: number(lines) })}
        </button>
      )}
    </figure>
  );
}
