// The words being written, as a React hook: those of the conversation that the address names.
import { useEffect, useSyncExternalStore } from "react";
import { useLocation, useNavigate } from "react-router";
import { begunHere, clear, draftOf, endBegun, idHere, isSafe, onDrafts, write } from "./drafts.js";

const LATE_MS = 4000;

/** Whose they are, the words, whether they outlive the tab, and what changes them: those that were shown, wherever the page is by then. */
export function useDraft() {
  const { key } = useLocation(); // renders again when the address changes, which is before the page's state does
  const navigate = useNavigate();
  const id = useSyncExternalStore(onDrafts, idHere);
  const draft = useSyncExternalStore(onDrafts, () => draftOf(id));
  const isKept = useSyncExternalStore(onDrafts, () => isSafe(id));
  const begun = useSyncExternalStore(onDrafts, begunHere);
  useEffect(() => endBegun, [key]);
  // The server gives a new conversation its address; where its word was lost, the page helps itself.
  useEffect(() => {
    if (!begun) return undefined;
    const timer = setTimeout(() => navigate(`/c/${begun}`, { replace: true }), LATE_MS);
    return () => clearTimeout(timer);
  }, [begun]);
  return { id, draft, isKept, change: (value) => write(id, value), clear: () => clear(id) };
}
