// Markdown as it grows. Closed blocks are rendered once; a paint costs the open one.
import { Component, memo, useEffect, useRef, useState } from "react";
import { advance, emptyBlocks, needsWhole } from "./blocks.js";

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

export const Plain = ({ text }) => <div className="plain">{text}</div>;
const Block = memo(({ text, open }) => {
  const Markdown = useRenderer();
  if (!Markdown) return <Plain text={text} />;
  return (
    <PlainOnFault text={text}>
      <Markdown text={text} open={open} />
    </PlainOnFault>
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
  const { closed, open, done, fence } = seen.current.blocks;
  if (!live && needsWhole(text)) return <Block text={text} />;
  const groups = [];
  for (let i = 0; i < closed.length; i += GROUP) groups.push(closed.slice(i, i + GROUP));
  const tail = open + text.slice(done);
  return (
    <>
      {groups.map((group, index) => (
        <SameGroup key={index} blocks={group} />
      ))}
      {tail.trim() && <Block text={tail} open={live && (fence ? "fence" : "text")} />}
    </>
  );
}

// A full group never changes; the last one changes only when a block closes.
const SameGroup = memo(Group, (a, b) => a.blocks.length === b.blocks.length && a.blocks.at(-1) === b.blocks.at(-1));
