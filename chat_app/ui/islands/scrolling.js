// Where the reader is in a transcript, and how to get there. For the one owner of scrolling, transcript_scroller.jsx.
import { keep, recall } from "./kept.js";

const RISE_MS = 180;
export const HEADER_GAP = 16;
const LINE_PX = 40;
const TURNS = ".column > article, .column > .beside"; // answers side by side are one turn

export const placeKey = (id) => `chat_app.place.${id}`;

/** The last turn keeps a screen's height: its question can stand at the top, and the answer grows into free room. */
export function reserve(scroller) {
  const [question, answer] = [...scroller.querySelectorAll(TURNS)].slice(-2);
  scroller.querySelectorAll("[data-reserved]").forEach((old) => {
    if (old !== answer) {
      old.style.minHeight = "";
      old.removeAttribute("data-reserved");
    }
  });
  if (!answer || question.dataset.role !== "user") return;
  const pad = parseFloat(getComputedStyle(scroller.firstElementChild).paddingBottom);
  const gap = answer.offsetTop - question.offsetTop - question.offsetHeight;
  answer.style.minHeight = `${Math.max(0, scroller.clientHeight - question.offsetHeight - gap - pad - HEADER_GAP)}px`;
  answer.setAttribute("data-reserved", "");
}

/** Keep the first message in view and how far it is off, to come back to. */
export function remember(scroller, conversationId) {
  const top = scroller.getBoundingClientRect().top;
  const seen = [...scroller.querySelectorAll("article[data-message-id]")].find((a) => a.getBoundingClientRect().bottom > top + 8);
  if (!seen) return;
  const place = { id: seen.dataset.messageId, off: seen.getBoundingClientRect().top - top, bottom: scroller.scrollTop > -8 };
  keep(placeKey(conversationId), place, sessionStorage);
}

/** Where a conversation opens: at what was read last, else at its last question unless that was just asked; null is its end. */
export function opening(scroller, conversationId, isNew) {
  const kept = recall(placeKey(conversationId), ({ id }) => typeof id === "string", sessionStorage);
  if (kept) return kept.bottom ? null : kept;
  const question = [...scroller.querySelectorAll('article[data-role="user"][data-message-id]')].at(-1);
  return isNew || !question ? null : { id: question.dataset.messageId, off: HEADER_GAP };
}

export function bringTo(scroller, article, off) {
  scroller.scrollTop += article.getBoundingClientRect().top - scroller.getBoundingClientRect().top - off;
}

/** Whether the words of every message that is shown are there. */
export const isRead = (scroller) => !scroller.querySelector('.body[data-loaded="false"]');

/** Whether the end is in view and nothing more is to be read in from the store. */
export const isSettledAtEnd = (scroller) => scroller.scrollTop > -1 && isRead(scroller);

const STEPS = { ArrowUp: () => -LINE_PX, ArrowDown: () => LINE_PX, PageUp: (page) => -page, PageDown: (page) => page, Home: () => -Infinity };

/** Go where a key goes, at once: the browser's own way there takes a while, and a word that comes meanwhile ends it. */
export function step(scroller, key) {
  const by = STEPS[key];
  if (!by) return false;
  const way = by(scroller.clientHeight - 2 * LINE_PX);
  scroller.scrollTop += Math.max(way, -scroller.scrollHeight);
  return true;
}

/** Call back when the reader does something that may move the page; returns the function that ends it. */
export function onReader(call) {
  const acts = ["wheel", "touchstart", "pointerdown", "keydown"];
  for (const name of acts) addEventListener(name, call, { capture: true, passive: true });
  return () => acts.forEach((name) => removeEventListener(name, call, { capture: true }));
}

/** What was added below comes up from where it lies; a reader who scrolls meanwhile is left alone. */
export function rise(scroller, added) {
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const from = Math.max(Math.min(scroller.scrollTop, 0) - Math.max(added, 0), -scroller.clientHeight);
  const began = performance.now();
  let frame = 0;
  const end = () => {
    cancelAnimationFrame(frame);
    for (const name of ["wheel", "touchstart"]) scroller.removeEventListener(name, end);
  };
  const step = (now) => {
    const done = isCalm ? 1 : Math.min(1, (now - began) / RISE_MS);
    scroller.scrollTop = from * (1 - done) ** 3;
    if (done < 1) frame = requestAnimationFrame(step);
    else end();
  };
  for (const name of ["wheel", "touchstart"]) scroller.addEventListener(name, end, { passive: true });
  step(began);
  return end;
}
