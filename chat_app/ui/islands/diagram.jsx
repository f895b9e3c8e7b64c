// A Mermaid diagram, shown as a picture: a picture runs nothing, asks nobody for anything and styles nothing around it.
import { useEffect, useState } from "react";
import { CodeBlock } from "./code_block.jsx";
import { CopyButton } from "./copy_button.jsx";
import { t } from "./i18n.js";

// What a diagram's own directives may not change; a picture inside one would be fetched while it is measured.
const OURS = ["secure", "securityLevel", "startOnLoad", "maxTextSize", "maxEdges", "theme", "themeCSS", "themeVariables", "fontFamily", "altFontFamily", "htmlLabels", "flowchart"];
const FETCHES = /\bimg\s*:|url\s*\(|@import/i;
const TAG = /<(?=[a-z/!])(?!br\s*\/?>)/gi; // what would be HTML stays words; only a line break is one
const MENU = /(^|;)[ \t]*(?:links?|properties|details)[ \t]+[^;\n]*:[^;\n]*/gm; // an actor's menu, drawn with inline handlers
let mermaid;
let turn = Promise.resolve(); // it draws one after the other, with settings that are the page's
let drawn = 0;

function draw(source, isDark) {
  if (FETCHES.test(source)) return Promise.reject(new Error("a diagram with pictures of others"));
  turn = turn.catch(() => {}).then(async () => {
    mermaid ??= (await import("mermaid")).default;
    mermaid.initialize({
      startOnLoad: false, securityLevel: "strict", secure: OURS, suppressErrorRendering: true, htmlLabels: false,
      flowchart: { htmlLabels: false }, look: "classic", theme: isDark ? "dark" : "neutral", fontFamily: getComputedStyle(document.body).fontFamily,
    });
    const words = source.replace(MENU, "$1").replace(TAG, "‹");
    await mermaid.parse(words);
    const { svg } = await mermaid.render(`diagram-${++drawn}`, words);
    return picture(svg);
  });
  return turn;
}

/** The drawing as an address of its own, with the size it was drawn for. */
function picture(svg) {
  const root = new DOMParser().parseFromString(svg, "text/html").querySelector("svg");
  const [, , width, height] = root.getAttribute("viewBox").split(/[\s,]+/).map(Number);
  root.setAttribute("width", width);
  root.setAttribute("height", height);
  root.style.maxWidth = "none";
  const text = new XMLSerializer().serializeToString(root);
  return { src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`, width: Math.ceil(width), height: Math.ceil(height) };
}

function save(src) {
  const link = document.createElement("a");
  link.href = src;
  link.download = "diagram.svg";
  link.click();
}

/** Whether the page is dark now. */
function useDark() {
  const look = () => document.documentElement.classList.contains("dark");
  const [isDark, set] = useState(look);
  useEffect(() => {
    const watch = new MutationObserver(() => set(look()));
    watch.observe(document.documentElement, { attributeFilter: ["class"] });
    return () => watch.disconnect();
  }, []);
  return isDark;
}

export function Diagram({ source }) {
  const [image, setImage] = useState(null);
  const [showsSource, setShowsSource] = useState(false);
  const isDark = useDark();
  useEffect(() => {
    let isGone = false;
    draw(source, isDark).then((made) => isGone || setImage(made), () => isGone || setImage(null));
    return () => {
      isGone = true;
    };
  }, [source, isDark]);
  if (!image) return <CodeBlock code={source} language="mermaid" />; // not drawn yet, or not to be drawn: its words stand
  return (
    <figure className="code diagram">
      <figcaption>
        <span>mermaid</span>
        <button type="button" aria-pressed={showsSource} onClick={() => setShowsSource(!showsSource)}>{t("diagram.source")}</button>
        <button type="button" onClick={() => save(image.src)}>{t("diagram.save")}</button>
        <CopyButton text={() => source} />
      </figcaption>
      {showsSource ? (
        <pre tabIndex={0}><code>{source}</code></pre>
      ) : (
        <div className="drawing" tabIndex={0} role="region" aria-label={t("diagram.label")}>
          <img src={image.src} width={image.width} height={image.height} alt={source} onError={() => setImage(null)} />
        </div>
      )}
    </figure>
  );
}
