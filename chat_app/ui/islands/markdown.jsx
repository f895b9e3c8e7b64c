// One block of Markdown. Loaded on its own, so that the page is there before the renderer is.
import { cjk } from "@streamdown/cjk";
import { createMathPlugin } from "@streamdown/math";
import "katex/dist/katex.min.css";
import { Children, isValidElement } from "react";
import remend from "remend";
import { defaultRemarkPlugins, Streamdown } from "streamdown";
import { isPlainParagraph, markMath } from "./blocks.js";
import { CodeBlock } from "./code_block.jsx";
import { Diagram } from "./diagram.jsx";
import { t } from "./i18n.js";
import { Cite, markCites } from "./sources.jsx";

const plugins = { cjk, math: createMathPlugin({ singleDollarTextMath: true, errorColor: "inherit" }) };
const HTTP = /^(https?:|mailto:)/i;

/** A link opens a new tab and tells its page nothing; anything but web and mail is text. */
const Link = ({ href, children, "data-cite": number }) =>
  number ? (
    <Cite number={Number(number)} text={text(children)} />
  ) : HTTP.test(href ?? "") ? (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  ) : (
    <span>{children}</span>
  );

const OURS = /^\/guide\/[\w-]+\.png$/; // the guide's, which Passages quotes

/** An image is a link: the page asks no third party for anything. */
const Picture = ({ src, alt }) => {
  if (OURS.test(src ?? "")) return <img className="picture" src={src} alt={alt} loading="lazy" />;
  const name = alt || src || "";
  return HTTP.test(src ?? "") ? <Link href={src}>{t("message.image", { name })}</Link> : <span>{name}</span>;
};

const Table = ({ children }) => (
  <div className="table" role="region" aria-label={t("message.table")} tabIndex={0}>
    <table>{children}</table>
  </div>
);

const Cell = (Tag) =>
  ({ style, className, children }) => <Tag style={style} className={className}>{children}</Tag>;

const text = (children) =>
  Children.toArray(children)
    .map((child) => (isValidElement(child) ? text(child.props.children) : String(child)))
    .join("");

const Pre = ({ children }) => {
  const code = Children.toArray(children).find(isValidElement);
  const language = /language-([^\s]+)/.exec(code?.props.className ?? "")?.[1] ?? "";
  const words = text(code?.props.children ?? children).replace(/\n$/, "");
  return language === "mermaid" ? <Diagram source={words} /> : <CodeBlock code={words} language={language} />;
};

const Heading = (level) => {
  const Tag = `h${Math.min(level + 1, 6)}`; // the page's own title is the h1
  return ({ children }) => <Tag data-level={level}>{children}</Tag>;
};

const components = {
  a: Link,
  img: Picture,
  table: Table,
  th: Cell("th"),
  td: Cell("td"),
  pre: Pre,
  code: ({ className, children }) => <code className={className}>{children}</code>,
  inlineCode: ({ children }) => <code>{children}</code>,
  ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((level) => [`h${level}`, Heading(level)])),
};

const BREAK = /^<br\s*\/?>$/i;

const FLOW = new Set(["root", "blockquote", "listItem", "footnoteDefinition"]);

/** HTML in an answer is words like any others, shown as they stand: `List<int>` loses nothing. A line break is one. */
function showHtml(node) {
  if (!node.children) return node;
  node.children = node.children.map((child) => {
    if (child.type !== "html") return showHtml(child);
    if (BREAK.test(child.value)) return { type: "break" };
    const text = { type: "text", value: child.value };
    return FLOW.has(node.type) ? { type: "paragraph", children: [text] } : text;
  });
  return node;
}
const NUMBER = /^[~≈±<>≤≥+\-−]?\s*[$€£¥]?\s*\d[\d\s.,']*\s*(?:[%‰°]|[\p{L}µ/²³]{1,6})?$/u;
const wordsIn = (node) => node.value ?? (node.children ?? []).map(wordsIn).join("");

const SHORT_CHARS = 32;

/** Numbers and short words in a table stay unbroken, and a column of nothing but numbers is set to the right. */
function setTable(node) {
  if (node.type !== "table") {
    node.children?.forEach(setTable);
    return node;
  }
  const [, ...rows] = node.children;
  for (const cell of rows.flatMap((row) => row.children)) {
    if (wordsIn(cell).length <= SHORT_CHARS) cell.data = { hProperties: { className: ["short"] } };
  }
  const isNumber = (row, column) => row.children[column] && NUMBER.test(wordsIn(row.children[column]));
  node.align = node.align.map((align, column) => align ?? (rows.length && rows.every((row) => isNumber(row, column)) ? "right" : align));
  return node;
}
const remarkPlugins = [...Object.values(defaultRemarkPlugins), () => showHtml, () => setTable, () => markCites];
const rehypePlugins = []; // no HTML is ever parsed, so none is to be cleaned
const asOneBlock = (source) => [source]; // it has been cut before

const OPEN_FENCE = /^ {0,3}(?:`{3,}(?=[^`\n]*(?:\n|$))|~{3,})[ \t]*([^\s`]*)[^\n]*\n?/;

export default function Markdown({ text: source, open }) {
  if (open === "fence" && OPEN_FENCE.test(source)) {
    return <CodeBlock code={source.replace(OPEN_FENCE, "")} language={OPEN_FENCE.exec(source)[1]} isOpen />;
  }
  // Parsed anew at each paint, the paragraph that grows was most of what an answer cost; most are words and nothing else.
  if (open && isPlainParagraph(source)) return <div className="prose"><p>{source.trim()}</p></div>;
  return (
    <Streamdown
      className="prose"
      mode="static"
      parseMarkdownIntoBlocksFn={asOneBlock}
      controls={false}
      plugins={plugins}
      remarkPlugins={remarkPlugins}
      rehypePlugins={rehypePlugins}
      components={components}
    >
      {markMath(open ? remend(source) : source)}
    </Streamdown>
  );
}
