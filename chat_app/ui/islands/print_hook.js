// Paper has the whole branch: what is not loaded yet comes before the browser is asked to print.
import { useEffect, useRef } from "react";
import { isRead } from "./scrolling.js";

export function usePrinting(ref, { conversationId, hasMore, size, onOlder }) {
  const isWanted = useRef(false);
  useEffect(() => () => (isWanted.current = false), [conversationId]);
  const more = () => onOlder(ref.current.querySelector("article[data-message-id]").dataset.messageId);
  useEffect(() => {
    const onKey = (event) => {
      if (!hasMore || !(event.metaKey || event.ctrlKey) || event.key.toLowerCase() !== "p") return;
      event.preventDefault();
      isWanted.current = true;
      more();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [hasMore, size]);
  useEffect(() => {
    if (!isWanted.current) return undefined;
    if (hasMore) {
      more();
      return undefined;
    }
    isWanted.current = false;
    return onceRead(ref.current, () => print());
  }, [hasMore, size]);
}

/** Call back once the words of every message are there; returns the function that gives it up. */
function onceRead(scroller, call) {
  const look = () => {
    if (!isRead(scroller)) return;
    watch.disconnect();
    call();
  };
  const watch = new MutationObserver(look);
  watch.observe(scroller, { subtree: true, attributeFilter: ["data-loaded"] });
  look();
  return () => watch.disconnect();
}
