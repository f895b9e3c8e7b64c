// Markdown as it grows. Closed blocks are rendered once; a paint costs the open one.
import { Component, memo, useEffect, useMemo, useRef, useState } from "react";
import { advance, emptyBlocks, needsWhole, standing } from "./blocks.js";
import { language as pageLanguage } from "./i18n.js";
import { Live } from "./live_context.js";
import { languageOf } from "./scripts.js";

// A server that went away while the renderer was loading must not take the page with it: plain words stand meanwhile.
const load = () => import("./markdown.jsx").catch(() => new Promise((later) => setTimeout(later, 2000)).then(load));
let renderer = null;
const loading = load().then((loaded) => (renderer = loaded.default)); // at once: it comes while the words do

/** The renderer once it is there. Not React's Suspense, which shows what it waited for only 300 ms after its fallback. */
function useRenderer() {
  const [Markdown, set] = useState(() => renderer);
  useEffect(() => {
    if (!Markdown) loading.then((loaded) => set(() => loaded));
  }, [Markdown]);
  return Markdown;
}
const GROUP = 16;
const TELLING_CHARS = 200;
// Said only where it differs from what the page would make of it.
const languageIn = (text) => languageOf(text) || (pageLanguage === "zh-CN" ? "" : undefined);

export const Plain = ({ text }) => <div className="plain" dir="auto" lang={languageIn(text)}>{text}</div>;
const Block = memo(({ text, open }) => {
  const Markdown = useRenderer();
  const start = text.slice(0, TELLING_CHARS); // of a block that grows, its start decides, and is looked at once
  const language = useMemo(() => languageIn(start), [start]);
  return (
    <div className="block" dir="auto" lang={language}>
      {Markdown ? (
        <PlainOnFault text={text}>
          <Markdown text={text} open={open} />
        </PlainOnFault>
      ) : (
        <Plain text={text} />
      )}
    </div>
  );
});

/** A block that cannot be rendered stands as plain words; other blocks, and the page, know nothing of it. */
class PlainOnFault extends Component {
  state = { isFaulty: false };
  static getDerivedStateFromError() {
    return { isFaulty: true };
  }
  render() {
    return this.state.isFaulty ? <Plain text={this.props.text} /> : this.props.children;
  }
}

const Group = memo(({ blocks }) => (
  <div className="blocks">
    {blocks.map((text, index) => (
      <Block key={index} text={text} />
    ))}
  </div>
));

export function Prose({ text, live }) {
  const seen = useRef({ text: "", blocks: emptyBlocks() });
  const before = text.startsWith(seen.current.text) ? seen.current.blocks : emptyBlocks();
  seen.current = { text, blocks: advance(before, text) };
  const blocks = live ? seen.current.blocks : advance(seen.current.blocks, `${text}\n`);
  if (!live && needsWhole(text)) return <Block text={text} />; // outside any context, which is false: it is over
  const { closed, tail } = standing(blocks, text);
  const groups = [];
  for (let i = 0; i < closed.length; i += GROUP) groups.push(closed.slice(i, i + GROUP));
  return (
    <Live.Provider value={live}>
      {groups.map((group, index) => (
        <SameGroup key={index} blocks={group} />
      ))}
      {tail.trim() && <Block text={tail} open={live && (blocks.fence ? "fence" : "text")} />}
    </Live.Provider>
  );
}

// A full group never changes; the last one changes only when a block closes.
const SameGroup = memo(Group, (a, b) => a.blocks.length === b.blocks.length && a.blocks.at(-1) === b.blocks.at(-1));
