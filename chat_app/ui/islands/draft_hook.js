// The words being written, as a React hook: those of the conversation that the address names.
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { useLocation } from "react-router";
import { clear, draftOf, endBegun, idHere, isSafe, onDrafts, write } from "./drafts.js";

/** [draft, change, clear, whether it outlives the tab]; `change` takes what is to stand in the field. */
export function useDraft() {
  const { key } = useLocation(); // renders again when the address changes, which is before the page's state does
  const draft = useSyncExternalStore(onDrafts, () => draftOf(idHere()));
  const isKept = useSyncExternalStore(onDrafts, () => isSafe(idHere()));
  useEffect(() => endBegun, [key]);
  const change = useCallback((value) => write(idHere(), value), []);
  return [draft, change, useCallback(() => clear(idHere()), []), isKept];
}
