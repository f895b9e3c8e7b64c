// What was sent, until the server has it. It lies in this browser meanwhile: a reload, a crash or a server that is away
// loses no word, and a send that comes twice has the same key, by which the server knows it.
import { begin as beginDraft, idHere, newKey, whole } from "./drafts.js";
import { forget as unkeep, keep, namesOf, recall } from "./kept.js";
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
const taken = new Map(); // words that were taken back on their way, by conversation → their key, should they be sent again
export const troubles = new Map(); // key → why it is not delivered yet, as an error's code

const tell = (entry, turn) => listeners.forEach((call) => call(entry, turn));
/** Call back at each change; returns the function that ends it. */
export function onOutbox(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

const isEntry = ({ key, conversationId, draft, at }) =>
  Boolean(key) && typeof conversationId === "string" && typeof at === "number" && typeof draft?.text === "string" && Array.isArray(draft.pasted);
const kept = () => namesOf(PLACE).map((name) => recall(name, isEntry)).filter(Boolean);
const isOurs = (entry) => entry.tab === tab || Date.now() - entry.at > ABANDONED_MS;

function hold(entry) {
  keep(PLACE + entry.key, entry);
  tell();
}

/** What waits for one conversation, oldest first; "" is one that has no address yet. */
export function waiting(conversationId) {
  return kept().filter((entry) => entry.conversationId === conversationId && isOurs(entry)).sort((a, b) => a.at - b.at);
}

/** Whether an entry is on its way, and not come back. */
export const isGoing = (entry) => Boolean(entry.isSent) && !entry.refusal;

const wordsIn = (conversationId, draft) => `${conversationId}\n${whole(draft)}`;

/**
 * What was under way when its page went goes on from here, whichever conversation is open; what waited waits on. The
 * conversation in view sees to its own, once it is there to hear what becomes of them.
 */
function takeUp() {
  const entries = kept();
  entries.filter((entry) => isOurs(entry) && isGoing(entry) && entry.conversationId !== idHere()).forEach(deliver);
  const later = entries.filter((entry) => !isOurs(entry)).map((entry) => entry.at + ABANDONED_MS - Date.now());
  clearTimeout(next);
  if (later.length) next = setTimeout(takeUp, Math.min(...later) + 1);
  tell();
}
let next = 0;
globalThis.addEventListener?.("storage", ({ key }) => key?.startsWith(PLACE) && takeUp());
if (globalThis.localStorage) setTimeout(takeUp, 0);

/** Put words in. `root` is the key of the send that begins the conversation they follow, while it has no address. */
export function put(draft, { conversationId, root, model }) {
  const words = wordsIn(conversationId, draft);
  const key = taken.get(words) ?? newKey();
  taken.delete(words);
  const entry = { key, conversationId: conversationId || delivered.get(root) || "", root: root || key, model, draft, tab, at: Date.now() };
  hold(entry);
  return entry;
}

/** Take words back out, delivered or not; they can be sent again, as the same send. */
export function take(entry) {
  going.get(entry.key)?.abort();
  if (entry.isSent && !entry.refusal) taken.set(wordsIn(entry.conversationId, entry.draft), entry.key);
  forget(entry.key);
}

function forget(key) {
  going.delete(key);
  troubles.delete(key);
  unkeep(PLACE + key);
  tell();
}

/** Send it until the server has it or refuses it. */
export async function deliver(entry) {
  if (going.has(entry.key)) return;
  const ending = new AbortController();
  going.set(entry.key, ending);
  hold({ ...entry, isSent: true });
  for (let pause = FIRST_MS; !ending.signal.aborted; pause = Math.min(2 * pause, LONGEST_MS)) {
    const outcome = await attempt(entry, ending.signal);
    if (ending.signal.aborted) return;
    if (outcome.refusal) {
      going.delete(entry.key);
      troubles.delete(entry.key);
      hold({ ...entry, refusal: outcome.refusal.code }); // its words stay here until whoever wrote them has them back
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
    if (entry.tab === tab) beginDraft(turn.conversation_id);
    for (const next of waiting("")) {
      if (next.root === entry.key && next.key !== entry.key) hold({ ...next, conversationId: turn.conversation_id });
    }
  }
  begin(turn, whole(entry.draft));
  forget(entry.key);
  tell(entry, turn);
}
