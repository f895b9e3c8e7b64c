// The one owner of scrolling. The scroller runs from the bottom up (column-reverse), so that a growing answer is followed
// and older pages come in above without a jump; scrolled up, nothing moves.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { usePrinting } from "./print_hook.js";
import { bringTo, isSettledAtEnd, onReader, place, placeKey, reserve, rise } from "./scrolling.js";

const HEADER_GAP = 16;
const NEAR_TOP = 800;
const MOST_PAGES = 40;
const follows = () => localStorage.getItem("chat_app.follow") !== "0";

export function TranscriptScroller({ conversationId, lastId, size, hasMore, isLoaded, onOlder, children }) {
  const ref = useRef(null);
  const shown = useRef("");
  const asked = useRef("");
  const anchor = useRef(null); // the message that keeps its place while words come in around it, until the reader moves
  const pages = useRef(0);
  const isHeld = useRef(false); // what grows below is not followed, even from the very end
  const height = useRef(0);
  const [isAway, setAway] = useState(false);

  useLayoutEffect(() => {
    const scroller = ref.current;
    reserve(scroller, HEADER_GAP);
    if (!lastId) return;
    const before = height.current;
    height.current = scroller.firstElementChild.offsetHeight;
    isHeld.current = !follows();
    if (shown.current !== conversationId) {
      const isNew = shown.current === "" && scroller.querySelectorAll("article").length <= 2;
      shown.current = conversationId;
      const kept = JSON.parse(sessionStorage.getItem(placeKey(conversationId)) ?? "null");
      const questions = scroller.querySelectorAll('article[data-role="user"]');
      if (kept) anchor.current = kept.bottom ? null : kept;
      else anchor.current = isNew || !questions.length ? null : { id: questions[questions.length - 1].dataset.messageId, off: HEADER_GAP };
      return undefined;
    }
    anchor.current = null;
    return rise(scroller, height.current - before);
  }, [conversationId, lastId]);

  /** Bring the anchor to its place; false where it is not loaded. */
  const hold = () => {
    const article = ref.current.querySelector(`[data-message-id="${anchor.current.id}"]`);
    if (!article) return false;
    bringTo(ref.current, article, anchor.current.off);
    if (isSettledAtEnd(ref.current)) anchor.current = null; // what comes now is followed
    return true;
  };
  useEffect(() => onReader(() => (anchor.current = null)), []);

  // The place that was read may lie pages above what is loaded.
  useLayoutEffect(() => {
    const scroller = ref.current;
    if (!anchor.current || shown.current !== conversationId) return;
    const isFound = hold();
    const first = scroller.querySelector("article")?.dataset.messageId;
    if (isFound || !hasMore || pages.current++ > MOST_PAGES) {
      if (!isFound) anchor.current = null;
      pages.current = 0;
    } else if (first && asked.current !== first) {
      asked.current = first;
      onOlder(first);
    }
  }, [conversationId, size, hasMore, lastId]);

  useEffect(() => {
    const scroller = ref.current;
    const room = new ResizeObserver(() => reserve(scroller, HEADER_GAP));
    room.observe(scroller);
    const questions = scroller.querySelectorAll('article[data-role="user"]');
    if (questions.length) room.observe(questions[questions.length - 1]); // its words come after its frame
    const growth = new ResizeObserver(() => {
      const grown = scroller.firstElementChild.offsetHeight - height.current;
      height.current += grown;
      if (anchor.current) hold();
      else if (isHeld.current && grown > 0 && scroller.scrollTop > -1) scroller.scrollTop = -grown;
    });
    growth.observe(scroller.firstElementChild);
    return () => {
      room.disconnect();
      growth.disconnect();
    };
  }, [conversationId, lastId]);

  useEffect(() => {
    const onSelect = () => {
      const selection = getSelection();
      if (isHeld.current || selection.isCollapsed || !ref.current.contains(selection.anchorNode)) return;
      isHeld.current = true;
      height.current = ref.current.firstElementChild.offsetHeight; // what was followed already is not taken back
    };
    document.addEventListener("selectionchange", onSelect);
    return () => document.removeEventListener("selectionchange", onSelect);
  }, []);

  useEffect(() => {
    const scroller = ref.current;
    let timer = 0;
    const onScroll = () => {
      setAway(scroller.scrollTop < -40);
      clearTimeout(timer);
      timer = setTimeout(() => {
        const now = !anchor.current && place(scroller);
        if (now) sessionStorage.setItem(placeKey(conversationId), JSON.stringify(now));
      }, 150);
      const above = scroller.scrollHeight - scroller.clientHeight + scroller.scrollTop;
      const first = scroller.querySelector("article")?.dataset.messageId;
      if (hasMore && above < NEAR_TOP && first && asked.current !== first) {
        asked.current = first;
        onOlder(first);
      }
    };
    scroller.addEventListener("scroll", onScroll, { passive: true });
    onScroll();
    return () => {
      clearTimeout(timer);
      scroller.removeEventListener("scroll", onScroll);
    };
  }, [conversationId, hasMore, lastId, onOlder]);

  usePrinting(ref, { hasMore, size, onOlder });

  const toEnd = () => {
    isHeld.current = false;
    ref.current.scrollTo({ top: 0, behavior: "instant" });
  };
  const onKeyDown = (event) => {
    if (event.key === "End" && event.target === ref.current) toEnd();
  };
  return (
    <div className="transcript-frame">
      <div ref={ref} className="scroller" role="log" aria-live="off" aria-label={t("transcript.label")} tabIndex={0} onKeyDown={onKeyDown}>
        <div className="column" data-loaded={isLoaded}>{children}</div>
      </div>
      {isAway && (
        <button type="button" className="to-end" aria-label={t("transcript.end")} onClick={toEnd}><Icon name="arrow-down" /></button>
      )}
    </div>
  );
}
