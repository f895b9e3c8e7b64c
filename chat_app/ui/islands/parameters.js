// What a conversation's next answer is asked with. A change counts at once: it lies in this browser until the server has it, goes
// with whatever is sent meanwhile, and outlives a reload. What the server does not take stays as it was written, with the reason.
import { ask } from "./ask.js";
import { isNewHere } from "./drafts.js";
import { language } from "./i18n.js";
import { forget, keep, recall } from "./kept.js";

const PLACE = "chat_app.parameters.";
const SAVE_MS = 300;
const RETRY_MS = 2000;
const LONGEST_MS = 1000;

/** Not a conversation, but the person, whose defaults are changed in the same way. */
export const PERSON = "~person";
const pathOf = (id) => (id === PERSON ? "/api/preferences?" : `/api/parameters?conversation=${id}&language=${language}`);
const NOTHING = Object.freeze({ set: Object.freeze({}), reset: Object.freeze([]) });
const isChange = ({ set, reset }) => typeof set === "object" && set !== null && Array.isArray(reset);
const placeOf = (id) => PLACE + (id || "new");

/** Where a form lies that somebody is filling in beside the values of a conversation, in this tab. */
export const formOf = (id, form) => `chat_app.form.${id || "new"}.${form}`;
const storageOf = (id) => (id ? localStorage : sessionStorage); // a new chat is its tab's alone
const isEmpty = ({ set, reset }) => !Object.keys(set).length && !reset.length;

const changes = new Map(); // conversation → what the server does not have yet
const told = new Map(); // conversation → what it last said
const refused = new Map(); // conversation → name → why a value was not taken
const saving = new Map(); // conversation → the promise of the save that is under way
const timers = new Map();
const counted = new Map(); // conversation → how many saves were begun, and done
const countOf = (id) => counted.get(id) ?? 0;
const waiting = new Set(); // conversations whose change the server could not be given
const lastRead = new Map(); // conversation → where it was read last
const reading = new Map(); // address → the promise of what is read there
const listeners = new Set();
const tell = () => listeners.forEach((call) => call());

export function onParameters(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

/** What the server does not have yet of a conversation; "" is a new one, of which it has nothing. */
export function changeOf(id) {
  if (!changes.has(id)) changes.set(id, recall(placeOf(id), isChange, storageOf(id)) ?? NOTHING);
  return changes.get(id);
}

/** Whether what was changed lies in this browser alone, since the server could not be given it. */
export const isWaiting = (id) => waiting.has(id) && !isEmpty(changeOf(id));

export const toldOf = (id) => told.get(id);
const NONE = Object.freeze({});
export const refusedOf = (id) => refused.get(id) ?? NONE;

function put(id, change) {
  changes.set(id, isEmpty(change) ? NOTHING : change);
  if (isEmpty(change)) forget(placeOf(id), storageOf(id));
  else keep(placeOf(id), change, storageOf(id));
}

/** Set some values; one that is undefined says nothing any more, and null that the parameter is not to be sent. */
export function change(id, values) {
  const { set, reset } = changeOf(id);
  const names = Object.keys(values);
  const gone = names.filter((name) => values[name] === undefined);
  const kept = Object.entries({ ...set, ...values }).filter(([name]) => !gone.includes(name));
  put(id, { set: Object.fromEntries(kept), reset: [...reset.filter((name) => !names.includes(name)), ...(id ? gone : [])] });
  refused.set(id, Object.fromEntries(Object.entries(refusedOf(id)).filter(([name]) => !names.includes(name))));
  tell();
  clearTimeout(timers.get(id));
  timers.set(id, setTimeout(() => save(id), SAVE_MS));
}

/** Give the server what it does not have; at once, and one after the other. */
export function save(id) {
  clearTimeout(timers.get(id));
  timers.delete(id);
  const next = (saving.get(id) ?? Promise.resolve()).then(() => send(id));
  saving.set(id, next);
  return next;
}

async function send(id) {
  const sent = changeOf(id);
  if (isEmpty(sent)) return;
  counted.set(id, countOf(id) + 1);
  try {
    const response = await fetch(pathOf(id), { method: "PATCH", body: JSON.stringify(sent) });
    if (response.status >= 500) throw response.status;
    waiting.delete(id);
    if (response.ok) taken(id, sent, await response.json());
    else if (response.status !== 404) refused.set(id, Object.fromEntries(Object.keys(sent.set).map((name) => [name, { reason: "untaken", values: {} }])));
    // A 404 is of one that was deleted: with Undo it is here again, and so is what was changed.
    tell();
  } catch {
    waiting.add(id);
    timers.set(id, timers.get(id) ?? setTimeout(() => save(id), RETRY_MS)); // it lies here meanwhile
    tell();
  }
}

/** What was sent and not changed since is the server's; of a new conversation it only says what it thinks of it. */
function taken(id, sent, answer) {
  counted.set(id, countOf(id) + 1);
  const now = changeOf(id);
  const isSame = (name) => name in now.set && JSON.stringify(now.set[name]) === JSON.stringify(sent.set[name]);
  const why = Object.entries(answer.refused).filter(([name]) => isSame(name) || sent.reset.includes(name));
  refused.set(id, { ...Object.fromEntries(Object.entries(refusedOf(id)).filter(([name]) => !(name in sent.set))), ...Object.fromEntries(why) });
  const layers = id ? answer.layers : [...answer.layers.slice(0, -1), ...(told.get(id)?.layers.slice(-1) ?? [])];
  told.set(id, { ...told.get(id), ...answer, layers });
  if (id) {
    const set = Object.entries(now.set).filter(([name]) => !isSame(name) || name in answer.refused);
    put(id, { set: Object.fromEntries(set), reset: now.reset.filter((name) => !sent.reset.includes(name)) });
  }
  tell();
}

/** Wait until whatever was changed is with the server, or known not to get there now; no longer than a moment. */
export function saved(id) {
  const underWay = isEmpty(changeOf(id)) ? saving.get(id) : save(id);
  return Promise.race([underWay, new Promise((over) => setTimeout(over, LONGEST_MS))]);
}

/** Forget what could not be taken of some values. */
export function giveUp(id, names) {
  const { set, reset } = changeOf(id);
  put(id, { set: Object.fromEntries(Object.entries(set).filter(([name]) => !names.includes(name))), reset });
  refused.set(id, Object.fromEntries(Object.entries(refusedOf(id)).filter(([name]) => !names.includes(name))));
  tell();
}

/** What a person's own defaults say. */
export const ownDefaults = () => told.get(PERSON)?.layers.at(-1).values ?? {};

/** Read what the server has of a conversation, and what a model takes; whoever asks meanwhile gets the same. */
export function read(id, model) {
  const path = `${pathOf(id)}&model=${encodeURIComponent(model)}`;
  if (!reading.has(path)) reading.set(path, readAt(id, path).finally(() => reading.delete(path)));
  return reading.get(path);
}

async function readAt(id, path) {
  lastRead.set(id, path);
  const count = countOf(id);
  const answer = await ask(path);
  if (count !== countOf(id)) return readAt(id, path); // what was saved meanwhile may be in it or not
  told.set(id, answer);
  if (!isEmpty(changeOf(id))) save(id);
  tell();
}

/** The first send of a new conversation took its values along: what was changed since belongs there, and the next one begins anew. */
export function begin(id, sent = NOTHING) {
  if (!isNewHere() && JSON.stringify(changeOf("").set) !== JSON.stringify(sent.set)) return; // they are another new one's
  const now = changeOf("").set;
  Object.keys(sessionStorage).filter((name) => name.startsWith(formOf("", ""))).forEach((name) => {
    keep(formOf(id, name.slice(formOf("", "").length)), recall(name, () => true, sessionStorage), sessionStorage);
    forget(name, sessionStorage);
  });
  const since = Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(sent.set[name]) || name in refusedOf(""));
  refused.delete("");
  told.delete("");
  put("", NOTHING);
  const gone = Object.keys(sent.set).filter((name) => !(name in now)).map((name) => [name, undefined]);
  if (since.length + gone.length) change(id, Object.fromEntries([...since, ...gone]));
  tell();
}

globalThis.addEventListener?.("pagehide", () => [...timers.keys()].forEach((id) => id && save(id)));
globalThis.addEventListener?.("storage", ({ key }) => {
  for (const id of changes.keys()) {
    if (!id || placeOf(id) !== key) continue;
    changes.delete(id);
    const path = lastRead.get(id);
    if (path) readAt(id, path).catch(() => {}); // what another tab changed is with the server by now, or will be told again
  }
  tell();
});
