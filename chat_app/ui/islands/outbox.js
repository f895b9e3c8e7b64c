// What was sent, until the server has it. It lies in this browser meanwhile: a reload, a crash or a server that is away
// loses no word, and a send that comes twice has the same key, by which the server knows it.
import { newKey, whole } from "./drafts.js";
import { begin } from "./words.js";

const PLACE = "chat_app.outbox.";
const FIRST_MS = 500;
const LONGEST_MS = 8000;
const ABANDONED_MS = 30_000; // what a tab that is gone did not deliver, another takes up
const tab = (() => {
  const kept = globalThis.sessionStorage?.getItem("chat_app.tab") ?? newKey();
  globalThis.sessionStorage?.setItem("chat_app.tab", kept);
  return kept;
})();

const listeners = new Set(); // called at each change, with (entry, turn) when one was delivered
const going = new Map(); // key → what ends its delivery
const delivered = new Map(); // key of a first send → the conversation that it began
const fresh = new Set(); // conversations that were begun here and not yet shown
const taken = new Map(); // words that were taken back → their key, should they be sent again
export const troubles = new Map(); // key → why it is not delivered yet, as an error's code

const tell = (entry, turn) => listeners.forEach((call) => call(entry, turn));
globalThis.addEventListener?.("storage", ({ key }) => key?.startsWith(PLACE) && tell());

/** Whether a send from here began this conversation just now; said once. */
export const hasJustBegun = (conversationId) => fresh.delete(conversationId);

/** Call back at each change; returns the function that ends it. */
export function onOutbox(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

const held = new Map(); // what the browser has no room for: as safe as the tab is

function keep(entry) {
  try {
    localStorage.setItem(PLACE + entry.key, JSON.stringify(entry));
  } catch {
    held.set(entry.key, entry);
  }
  tell();
}

const kept = () => Object.keys(localStorage).filter((name) => name.startsWith(PLACE)).map((name) => JSON.parse(localStorage.getItem(name)));

/** What waits for one conversation, oldest first; "" is one that has no address yet. */
export function waiting(conversationId) {
  const entries = [...kept(), ...held.values()];
  const isOurs = (entry) => entry.tab === tab || Date.now() - entry.at > ABANDONED_MS;
  return entries.filter((entry) => entry.conversationId === conversationId && isOurs(entry)).sort((a, b) => a.at - b.at);
}

/** Whether an entry is on its way, and not come back. */
export const isGoing = (entry) => Boolean(entry.isSent) && !entry.refusal;

/** Put words in. `root` is the key of the send that begins the conversation they follow, while it has no address. */
export function put(draft, { conversationId, root, model }) {
  const key = taken.get(whole(draft)) ?? newKey();
  const entry = { key, conversationId: conversationId || delivered.get(root) || "", root: root || key, model, draft, tab, at: Date.now() };
  keep(entry);
  return entry;
}

/** Take words back out, delivered or not; they can be sent again, as the same send. */
export function take(entry) {
  going.get(entry.key)?.abort();
  taken.set(whole(entry.draft), entry.key);
  forget(entry.key);
}

function forget(key) {
  going.delete(key);
  troubles.delete(key);
  held.delete(key);
  localStorage.removeItem(PLACE + key);
  tell();
}

/** Send it until the server has it or refuses it. */
export async function deliver(entry) {
  if (going.has(entry.key)) return;
  const ending = new AbortController();
  going.set(entry.key, ending);
  keep({ ...entry, isSent: true });
  for (let pause = FIRST_MS; !ending.signal.aborted; pause = Math.min(2 * pause, LONGEST_MS)) {
    const outcome = await attempt(entry, ending.signal);
    if (ending.signal.aborted) return;
    if (outcome.refusal) {
      going.delete(entry.key);
      troubles.delete(entry.key);
      keep({ ...entry, refusal: outcome.refusal.code }); // its words stay here until whoever wrote them has them back
      return;
    }
    if (outcome.turn) {
      conclude(entry, outcome.turn);
      return;
    }
    troubles.set(entry.key, outcome.trouble);
    tell();
    await new Promise((later) => setTimeout(later, pause));
  }
}

async function attempt({ key, model, draft, conversationId }, signal) {
  const body = JSON.stringify({ key, model, text: whole(draft), conversation_id: conversationId });
  try {
    const response = await fetch("/api/turns", { method: "POST", body, signal, headers: { "content-type": "application/json" } });
    if (response.status >= 500) return { trouble: response.status === 503 ? "store_unavailable" : "error" };
    const answer = await response.json();
    return response.ok ? { turn: answer } : { refusal: answer.error };
  } catch {
    return { trouble: "offline" };
  }
}

function conclude(entry, turn) {
  if (!entry.conversationId) {
    delivered.set(entry.key, turn.conversation_id);
    fresh.add(turn.conversation_id);
    for (const next of waiting("")) {
      if (next.root === entry.key && next.key !== entry.key) keep({ ...next, conversationId: turn.conversation_id });
    }
  }
  begin(turn, whole(entry.draft));
  forget(entry.key);
  tell(entry, turn);
}
