// The one owner of scrolling. The scroller runs from the bottom up (column-reverse), so that a growing answer is followed
// and older pages come in above without a jump; scrolled up, nothing moves.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { t } from "./i18n.js";

const HEADER_GAP = 16;
const NEAR_TOP = 800;
const placeKey = (id) => `chat_app.place.${id}`;

/** The last turn keeps a screen's height: its question can stand at the top, and the answer grows into free room. */
function reserve(scroller) {
  const articles = scroller.querySelectorAll("article");
  const [question, answer] = [articles[articles.length - 2], articles[articles.length - 1]];
  scroller.querySelectorAll("article[data-reserved]").forEach((old) => {
    if (old !== answer) {
      old.style.minHeight = "";
      old.removeAttribute("data-reserved");
    }
  });
  if (question?.dataset.role !== "user") return;
  const pad = parseFloat(getComputedStyle(scroller.firstElementChild).paddingBottom);
  const gap = answer.offsetTop - question.offsetTop - question.offsetHeight;
  answer.style.minHeight = `${Math.max(0, scroller.clientHeight - question.offsetHeight - gap - pad - HEADER_GAP)}px`;
  answer.setAttribute("data-reserved", "");
}

/** Remember the first message in view and how far it is off. */
function place(scroller) {
  const top = scroller.getBoundingClientRect().top;
  const seen = [...scroller.querySelectorAll("article")].find((a) => a.getBoundingClientRect().bottom > top + 8);
  if (!seen) return null;
  return { id: seen.dataset.messageId, off: seen.getBoundingClientRect().top - top, bottom: scroller.scrollTop > -8 };
}

function bringTo(scroller, article, off) {
  scroller.scrollTop += article.getBoundingClientRect().top - scroller.getBoundingClientRect().top - off;
}

export function TranscriptScroller({ conversationId, lastId, hasMore, onOlder, children }) {
  const ref = useRef(null);
  const shown = useRef("");
  const asked = useRef("");
  const [isAway, setAway] = useState(false);

  useLayoutEffect(() => {
    const scroller = ref.current;
    reserve(scroller);
    if (!lastId) return;
    if (shown.current !== conversationId) {
      const isNew = shown.current === "" && scroller.querySelectorAll("article").length <= 2;
      shown.current = conversationId;
      const kept = JSON.parse(sessionStorage.getItem(placeKey(conversationId)) ?? "null");
      const article = kept && scroller.querySelector(`[data-message-id="${kept.id}"]`);
      const questions = scroller.querySelectorAll('article[data-role="user"]');
      if (article && !kept.bottom) bringTo(scroller, article, kept.off);
      else if (!kept && !isNew && questions.length) bringTo(scroller, questions[questions.length - 1], HEADER_GAP);
    } else scroller.scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
  }, [conversationId, lastId]);

  useEffect(() => {
    const scroller = ref.current;
    const watch = new ResizeObserver(() => reserve(scroller));
    watch.observe(scroller);
    const questions = scroller.querySelectorAll('article[data-role="user"]');
    if (questions.length) watch.observe(questions[questions.length - 1]); // its words come after its frame
    return () => watch.disconnect();
  }, [conversationId, lastId]);

  useEffect(() => {
    const scroller = ref.current;
    let timer = 0;
    const onScroll = () => {
      setAway(scroller.scrollTop < -40);
      clearTimeout(timer);
      timer = setTimeout(() => {
        const now = place(scroller);
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

  const toEnd = () => ref.current.scrollTo({ top: 0, behavior: "instant" });
  const onKeyDown = (event) => {
    if (event.key === "End" && event.target === ref.current) toEnd();
  };
  return (
    <div className="transcript-frame">
      <div ref={ref} className="scroller" role="log" aria-live="off" aria-label={t("transcript.label")} tabIndex={0} onKeyDown={onKeyDown}>
        <div className="column">{children}</div>
      </div>
      {isAway && (
        <button type="button" className="to-end" aria-label={t("transcript.end")} onClick={toEnd}>↓</button>
      )}
    </div>
  );
}
