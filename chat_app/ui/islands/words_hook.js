// The words of a message as a React hook.
import { useEffect, useState } from "react";
import { flushSync } from "react-dom";
import { subscribe, wordsOf } from "./words.js";

const due = new Set(); // what is drawn in the next frame
let frame = 0;

function draw() {
  const calls = [...due];
  due.clear();
  frame = 0;
  flushSync(() => calls.forEach((call) => call())); // React's own time would be seen in the frame after
}

function inNextFrame(call) {
  due.add(call);
  frame ||= requestAnimationFrame(draw);
}

/** What is known of a message's words, of none where it is ""; renders again when they change, those that stream once per frame at most. */
export function useWords(id) {
  const [, render] = useState(0);
  useEffect(() => {
    if (!id) return undefined;
    const again = () => render((n) => n + 1);
    // Settled words come for many messages together, and React knows best when it has time for them.
    const stop = subscribe(id, () => (wordsOf(id).status === "streaming" ? inNextFrame(again) : again()));
    again();
    return () => {
      stop();
      due.delete(again);
    };
  }, [id]);
  return wordsOf(id);
}
