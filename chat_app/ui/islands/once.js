// What is asked for twice while it is under way is done once.
import { useRef } from "react";

/** The same work, which does nothing as long as an earlier call of it has not ended. */
export function useOnce(work) {
  const isBusy = useRef(false);
  return async (...given) => {
    if (isBusy.current) return undefined;
    isBusy.current = true;
    try {
      return await work(...given);
    } finally {
      isBusy.current = false;
    }
  };
}
