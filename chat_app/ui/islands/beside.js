// Which questions' answers are shown side by side: those of a comparison, until one of them is gone on with, and whichever a
// person looks at so. This browser remembers the latest.
import { createContext, useSyncExternalStore } from "react";
import { keep, recall } from "./kept.js";

/** Whether what is around is one of several answers that stand side by side. */
export const Beside = createContext(false);

const PLACE = "chat_app.beside";
const MOST = 200;
const listeners = new Set();
let known = null; // ids of questions, the latest last

const isList = (value) => Array.isArray(value) && value.every((each) => typeof each === "string");
const shown = () => (known ??= recall(PLACE, isList) ?? []);

function onBeside(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

globalThis.addEventListener?.("storage", ({ key }) => {
  if (key !== PLACE) return;
  known = null; // another tab has written
  listeners.forEach((call) => call());
});

/** Show the answers to a question side by side, or one of them. */
export function showBeside(question, isOn) {
  const others = shown().filter((each) => each !== question);
  known = isOn ? [...others, question].slice(-MOST) : others;
  keep(PLACE, known);
  listeners.forEach((call) => call());
}

/** Whether the answers to a question are shown side by side. */
export const useBeside = (question) => useSyncExternalStore(onBeside, () => Boolean(question) && shown().includes(question));
