// The tabs of one browser. Each has a name, and holds a lock of it as long as it lives.
import { newKey } from "./drafts.js";

const LOCK = "chat_app.tab.";

/** This tab's name, which outlives a reload. */
export const tab = (() => {
  const kept = globalThis.sessionStorage?.getItem("chat_app.tab") ?? newKey();
  globalThis.sessionStorage?.setItem("chat_app.tab", kept);
  return kept;
})();

globalThis.navigator?.locks?.request(LOCK + tab, () => new Promise(() => {}));

/** The names of those that live, as a set; null where there are no locks to tell, as on plain http. */
export async function livingTabs() {
  if (!navigator.locks) return null;
  const { held, pending } = await navigator.locks.query();
  return new Set([...held, ...pending].filter(({ name }) => name.startsWith(LOCK)).map(({ name }) => name.slice(LOCK.length)));
}
