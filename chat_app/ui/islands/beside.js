// Whether the answers to a question are shown side by side: as the conversation has it, or as was pressed here just now.
import { createContext, useSyncExternalStore } from "react";

/** Whether what is around is one of several answers that stand side by side. */
export const Beside = createContext(false);

const pressed = new Map(); // by the question's id, until the conversation has it, too
const listeners = new Set();

function onBeside(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

/** Show them side by side, or one of them, until the conversation says otherwise. */
export function press(question, isOn) {
  pressed.set(question, isOn);
  listeners.forEach((call) => call());
}

/** The conversation says `isKept`, which may be what was pressed. */
export function settle(question, isKept) {
  if (pressed.get(question) === isKept) pressed.delete(question);
}

/** Whether they are, where the conversation says `isKept`. */
export const useBeside = (question, isKept) => useSyncExternalStore(onBeside, () => pressed.get(question)) ?? Boolean(isKept);
