// The words of a message as a React hook.
import { useEffect, useState } from "react";
import { subscribe, wordsOf } from "./words.js";

/** What is known of a message's words; renders again when they change, once per frame at most. */
export function useWords(id) {
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
