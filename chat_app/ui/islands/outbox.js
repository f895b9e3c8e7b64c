// What was sent, until the server has it. It lies in this browser meanwhile: a reload, a crash or a server that is away
// loses no word, and a send that comes twice has the same key, by which the server knows it.
import { idHere, isDraft, isNewHere, newKey, whole } from "./drafts.js";
import { isGiven, partOf } from "./given.jsx";
import { language } from "./i18n.js";
import { forget as unkeep, keep, namesOf, recall } from "./kept.js";
import { begin as beginParameters, changeOf } from "./parameters.js";
import { livingTabs, tab } from "./tabs.js";
import { begin, wordsOf } from "./words.js";

const PLACE = "chat_app.outbox.";
const FIRST_MS = 500;
const LONGEST_MS = 8000;
const LOOK_MS = 30_000;

const listeners = new Set(); // called at each change, with (entry, turn) when one was delivered
const going = new Map(); // key → what ends its delivery
const delivered = new Map(); // root of first sends → the conversation that they began
const taken = new Map(); // words that were taken back on their way, by conversation → their key, should they be sent again
export const troubles = new Map(); // key → why it is not delivered yet, as an error's code

/** Where the words of an edit or a wish are kept while they are written, in their tab. */
export const placeOf = ({ how, id }) => `chat_app.${how}.${id}`;

const tell = (entry, turn) => listeners.forEach((call) => call(entry, turn));
/** Call back at each change, with an entry that was delivered, and its turn, or refused; returns the function that ends it. */
export function onOutbox(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

const isEntry = ({ key, conversationId, draft, at }) =>
  Boolean(key) && typeof conversationId === "string" && typeof at === "number" && Boolean(draft) && isDraft(draft);
const kept = () => namesOf(PLACE).map((name) => recall(name, isEntry)).filter(Boolean);
const isOurs = (entry) => entry.tab === tab;

function hold(entry) {
  keep(PLACE + entry.key, entry);
  tell();
}

/** What waits to be added to one conversation, oldest first; "" is one that has no address yet. */
export function waiting(conversationId) {
  // A first send of a tab that is gone brings its answer into the sidebar, and does not take this page there.
  const isQuiet = (entry) => !conversationId && entry.isAdopted && isGoing(entry);
  const isHere = (entry) => entry.conversationId === conversationId && isOurs(entry) && !entry.about && !isQuiet(entry);
  return kept().filter(isHere).sort((a, b) => a.at - b.at);
}

/** Whether an entry is on its way, and not come back. */
export const isGoing = (entry) => Boolean(entry.isSent) && !entry.refusal;

/** What is under way about a message: other words for it, or a wish for another answer. */
export const underWayAbout = (messageId, how) =>
  kept().find((entry) => isOurs(entry) && entry.about?.id === messageId && (!how || entry.about.how === how));

/** What is under way about messages of a conversation: what is added to it waits for that. */
export const changing = (conversationId) => kept().filter((entry) => isOurs(entry) && entry.about && entry.conversationId === conversationId);

const columnsOf = ({ about, draft }) => (about ? [] : (draft.columns ?? []));
const wordsIn = ({ conversationId, about, draft }) =>
  JSON.stringify([conversationId, about, whole(draft), draft.files?.map(({ id, alt }) => [id, alt]), columnsOf({ about, draft })]);

// Where nothing tells which tabs live, one counts as gone after a while.
async function isAlive() {
  const living = await livingTabs();
  return living ? (entry) => living.has(entry.tab) : (entry) => Date.now() - entry.at < LOOK_MS;
}

/**
 * What was under way when its page went goes on from here, whichever conversation is open, and what a tab that is gone left
 * behind becomes ours; what waited waits on. The conversation in view sees to its own, once it can hear what becomes of them.
 */
export async function takeUp() {
  const isLiving = await isAlive();
  const foreign = kept().filter((entry) => !isOurs(entry));
  const isOrphan = (entry) => !isLiving(entry) && (isGoing(entry) || entry.conversationId === idHere());
  foreign.filter(isOrphan).forEach((entry) => hold({ ...entry, tab, isAdopted: true }));
  const isInView = (entry) => (entry.conversationId ? entry.conversationId === idHere() : isNewHere() && !entry.isAdopted);
  kept().filter((entry) => isOurs(entry) && isGoing(entry) && !isInView(entry)).forEach(deliver);
  clearTimeout(next);
  if (foreign.length) next = setTimeout(takeUp, LOOK_MS + 1);
  tell();
}
let next = 0;
globalThis.addEventListener?.("storage", ({ key }) => key?.startsWith(PLACE) && takeUp());
if (globalThis.localStorage) setTimeout(takeUp, 0);

/**
 * Put words in. `root` is the key of the send that begins the conversation they follow, while it has no address; `about` is
 * {how: "edit" | "wish", id} for those that are not added to the conversation's end.
 */
export function put(draft, { conversationId, root, about, model }) {
  const words = wordsIn({ conversationId, about, draft });
  const key = taken.get(words) ?? newKey();
  taken.delete(words);
  const into = conversationId || delivered.get(root) || "";
  const entry = { key, conversationId: into, root: root || key, about, model, draft, change: into ? undefined : changeOf(""), tab, at: Date.now() };
  hold(entry);
  return entry;
}

/** Take words back out, delivered or not; they can be sent again, as the same send. */
export function take(entry) {
  going.get(entry.key)?.abort();
  if (isGoing(recall(PLACE + entry.key, isEntry) ?? entry)) taken.set(wordsIn(entry), entry.key);
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
    if (!recall(PLACE + entry.key, isEntry)) return forget(entry.key); // another tab took it back, or delivered it
    const outcome = await attempt(entry, ending.signal);
    if (ending.signal.aborted) return;
    if (outcome.refusal) {
      going.delete(entry.key);
      troubles.delete(entry.key);
      refuse({ ...entry, refusal: outcome.refusal });
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

async function attempt(entry, signal) {
  const { key, model, draft, conversationId, about, change } = entry;
  const where = { language, time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone };
  const columns = columnsOf(entry);
  const how = columns.length ? { columns } : { [about?.how ?? "edit"]: about?.id ?? "" };
  const asked = { change: conversationId ? changeOf(conversationId) : change, ...how };
  const files = draft.files?.map(({ id, alt }) => ({ id, alt })); // without, an edited message keeps its own
  const body = JSON.stringify({ key, model, text: whole(draft), files, conversation_id: conversationId, ...asked, ...where });
  try {
    const response = await fetch(columns.length ? "/api/trials" : "/api/turns", { method: "POST", body, signal, headers: { "content-type": "application/json" } });
    if (response.status >= 500) return { trouble: response.status === 503 ? "store_unavailable" : "error" };
    const answer = await response.json();
    return response.ok ? { turn: answer } : { refusal: answer.error };
  } catch {
    return { trouble: "offline" };
  }
}

/** Its words stay until whoever wrote them has them back: here, or where they were written. */
function refuse(entry) {
  if (!entry.about) return hold(entry);
  keep(placeOf(entry.about), { text: whole(entry.draft), out: entry.draft.out ?? [] }, sessionStorage);
  forget(entry.key);
  tell(entry);
}

function conclude(entry, turn) {
  if (!entry.conversationId) {
    delivered.set(entry.root, turn.conversation_id);
    beginParameters(turn.conversation_id, entry.change);
    for (const next of kept().filter(isOurs)) {
      if (!next.conversationId && next.root === entry.root && next.key !== entry.key) hold({ ...next, conversationId: turn.conversation_id });
    }
  }
  const files = entry.draft.files?.map(partOf) ?? wordsOf(entry.about?.id)?.parts.filter(isGiven); // or else nobody here knows
  begin(turn, entry.about?.how === "wish" ? null : whole(entry.draft), files);
  if (entry.about) unkeep(placeOf(entry.about), sessionStorage);
  forget(entry.key);
  tell(entry, turn);
}
