// The words being written, as a React hook: one draft per conversation, kept in this browser.
import { useCallback, useEffect, useRef, useState } from "react";
import { idHere, placeOf, readDraft, saveDraft, whole } from "./drafts.js";
import { hasJustBegun } from "./outbox.js";

const SAVE_MS = 300;
const EMPTY = { text: "", pasted: [] };

/** [draft, change, clear]: `clear` empties the field where its words have gone to the outbox. */
export function useDraft(conversationId) {
  const [draft, setDraft] = useState(() => readDraft(idHere()));
  const saving = useRef(0);
  const writtenAt = useRef(""); // the address at which the field was last written in
  const latest = useRef(draft);

  const save = useCallback((id) => {
    clearTimeout(saving.current);
    saveDraft(id, latest.current);
  }, []);
  const show = (value) => {
    latest.current = value;
    setDraft(value);
  };
  const change = (value) => {
    writtenAt.current = location.pathname;
    show(value);
    clearTimeout(saving.current);
    saving.current = setTimeout(() => save(idHere()), SAVE_MS);
  };
  const clear = () => {
    change(EMPTY);
    save(idHere());
  };

  const before = useRef(conversationId);
  useEffect(() => {
    const isBegun = !before.current && conversationId && hasJustBegun(conversationId);
    before.current = conversationId;
    if (isBegun) {
      // The first send got its address while the next words were under way: they stay, and belong here now.
      saveDraft("", EMPTY);
      save(conversationId);
      writtenAt.current = placeOf(conversationId);
    } else if (writtenAt.current !== location.pathname || !whole(latest.current)) {
      show(readDraft(conversationId)); // the address changes first, so words may stand here already
    }
    const leave = () => (!writtenAt.current || writtenAt.current === placeOf(conversationId)) && save(conversationId);
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
    };
  }, [conversationId, save]);
  return [draft, change, clear];
}
