// The one owner of scrolling. The scroller runs from the bottom up (column-reverse), so that a growing answer is followed
// and older pages come in above without a jump; scrolled up, nothing moves.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { onAct } from "./acts.js";
import { useKeptFocus } from "./focus_hook.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { useOlder } from "./older_hook.js";
import { PendingTurn, usePendingTurn } from "./pending_turn.jsx";
import { usePrinting } from "./print_hook.js";
import { bringToPlace, isSought, placeOf } from "./reveal.js";
import { isSettledAtEnd, onReader, opening, remember, reserve, rise, step } from "./scrolling.js";

const NEAR_TOP = 800;
const MOST_PAGES = 40;
const OWN_KEYS = "textarea, input, pre, .table, .drawing, .popover";
const follows = () => localStorage.getItem("chat_app.follow") !== "0";

export function TranscriptScroller({ conversationId, messages, accepted, hasMore, isLoaded, onOlder, children }) {
  const lastId = messages.at(-1)?.id ?? "";
  const pending = usePendingTurn(conversationId, messages, accepted);
  const ref = useRef(null);
  const rising = useRef(() => {}); // ends the rise that is under way
  const risen = useRef(""); // the send that rose before the state knew it
  const shown = useRef("");
  const anchor = useRef(null); // the message that keeps its place while words come in around it, until the reader moves
  const pages = useRef(0);
  const isHeld = useRef(false); // what grows below is not followed, even from the very end
  const height = useRef(0);
  const [isAway, setAway] = useState(false);
  useKeptFocus(ref);
  useLayoutEffect(() => {
    const scroller = ref.current;
    reserve(scroller);
    if (!lastId) return;
    const before = height.current;
    height.current = scroller.firstElementChild.offsetHeight;
    isHeld.current = !follows();
    const wasPending = risen.current;
    risen.current = pending?.key ?? "";
    if (shown.current !== conversationId) {
      const isNew = shown.current === "" && scroller.querySelectorAll('article[data-role="user"]').length <= 1;
      shown.current = conversationId;
      anchor.current = opening(scroller, conversationId, isNew);
      return;
    }
    if ((wasPending && !pending) || isSought(anchor.current)) return;
    anchor.current = null;
    rising.current();
    rising.current = rise(scroller, height.current - before);
  }, [conversationId, lastId, pending?.key]);
  useEffect(() => () => rising.current(), [conversationId]);
  const [older, asks] = useOlder(ref, onOlder);

  /** Bring the anchor to its place; false where it is not loaded. */
  const hold = () => {
    const article = ref.current.querySelector(`[data-message-id="${anchor.current.id}"]`);
    if (!article) return false;
    bringToPlace(ref.current, article, anchor.current);
    if (isSettledAtEnd(ref.current)) anchor.current = null; // what comes now is followed
    return true;
  };
  useEffect(() => onReader(() => (anchor.current = null)), []);

  // The place that was read, or is looked for, may lie pages above what is loaded.
  const seek = () => {
    if (!anchor.current || shown.current !== conversationId) return;
    const isFound = hold();
    if (isFound || !hasMore || pages.current++ > MOST_PAGES) {
      if (!isFound && !isSought(anchor.current)) anchor.current = null;
      pages.current = 0;
    } else older();
  };
  useLayoutEffect(seek, [conversationId, messages.length, hasMore, lastId]);
  useEffect(() => onAct((action, id) => action === "reveal" && ((anchor.current = placeOf(id)), seek())));

  useEffect(() => {
    const scroller = ref.current;
    const room = new ResizeObserver(() => reserve(scroller));
    room.observe(scroller);
    const question = [...scroller.querySelectorAll('article[data-role="user"]')].at(-1);
    if (question) room.observe(question); // its words come after its frame
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
  }, [conversationId, lastId, pending?.key]);

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
      timer = setTimeout(() => anchor.current || remember(scroller, conversationId), 150);
      const above = scroller.scrollHeight - scroller.clientHeight + scroller.scrollTop;
      if (hasMore && above < NEAR_TOP) older();
    };
    scroller.addEventListener("scroll", onScroll, { passive: true });
    onScroll();
    return () => {
      clearTimeout(timer);
      scroller.removeEventListener("scroll", onScroll);
    };
  }, [conversationId, hasMore, lastId, onOlder, asks]);

  usePrinting(ref, { conversationId, hasMore, size: messages.length, onOlder });
  const toEnd = () => {
    isHeld.current = false;
    ref.current.scrollTo({ top: 0, behavior: "instant" });
  };
  const onKeyDown = (event) => {
    if (event.target.closest(OWN_KEYS)) return;
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "End") toEnd();
    else if ((pending || ref.current.querySelector('[aria-busy="true"]')) && step(ref.current, event.key)) event.preventDefault();
  };
  return (
    <div className="transcript-frame">
      <div ref={ref} className="scroller" role="log" aria-live="off" aria-label={t("transcript.label")} tabIndex={0} onKeyDown={onKeyDown}>
        <div className="column" data-loaded={isLoaded}>
          {hasMore && <p className="on-paper">{t("print.part")}</p>}
          {children}
          {pending && <PendingTurn entry={pending} />}
        </div>
      </div>
      {isAway && (
        <button type="button" className="to-end" aria-label={t("transcript.end")} onClick={toEnd}><Icon name="arrow-down" /></button>
      )}
    </div>
  );
}
