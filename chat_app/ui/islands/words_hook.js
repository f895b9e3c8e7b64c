// The words of a message as a React hook.
import { useEffect, useState } from "react";
import { flushSync } from "react-dom";
import { subscribe, wordsOf } from "./words.js";

/**
 * What is known of a message's words; renders again when they change, once per frame at most: within the frame, since what
 * React renders when it has time would be seen in the next one.
 */
export function useWords(id) {
  const [, render] = useState(0);
  useEffect(() => {
    let frame = 0;
    const paint = () => {
      frame = 0;
      flushSync(() => render((n) => n + 1));
    };
    const stop = subscribe(id, () => (frame ||= requestAnimationFrame(paint)));
    render((n) => n + 1);
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, [id]);
  return wordsOf(id);
}
