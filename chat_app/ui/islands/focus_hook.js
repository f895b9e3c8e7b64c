// Keeps the focus where a conversation that gets its address is drawn anew: the keys of whoever reads already go on.
import { useLayoutEffect } from "react";

const SAME_MS = 1000;
let left = -Infinity; // when a scroller went that had the focus

export function useKeptFocus(ref) {
  useLayoutEffect(() => {
    const scroller = ref.current;
    if (performance.now() - left < SAME_MS) scroller.focus({ preventScroll: true });
    left = -Infinity;
    return () => {
      if (document.activeElement === scroller) left = performance.now();
    };
  }, []);
}
