// Which of some answers have ended with words, as a React hook.
import { useCallback, useSyncExternalStore } from "react";
import { subscribe, textOf, wordsOf } from "./words.js";

const hasEnded = (id) => Boolean(textOf(id)) && wordsOf(id).status !== "streaming";

/** Their ids; renders again when these are others. */
export function useEnded(ids) {
  const follow = (call) => {
    const stops = ids.map((id) => subscribe(id, call));
    return () => stops.forEach((stop) => stop());
  };
  return useSyncExternalStore(useCallback(follow, [ids.join()]), () => ids.filter(hasEnded).join()).split(",").filter(Boolean);
}
