// The documents that answers can stand on, as the server lists them, and the files on their way to become some.
import { useEffect, useSyncExternalStore } from "react";
import { ask, post, sentenceOf } from "./ask.js";
import { newKey } from "./drafts.js";
import { t } from "./i18n.js";
import { makeQueue } from "./transfer.js";

const PATH = "/api/documents";
const LOOKS_MS = [1000, 1500, 2000, 3000, 5000, 10_000]; // the longer something takes, the less often it is looked at
const listeners = new Set();
const ticks = new Set(); // of those that show how far a file is
let known = { told: null, trouble: "", pending: [] }; // pending: {key, name, size_bytes, collection, file, error}
let lookTimer;
let looks = 0;
let reads = 0; // so that an answer that comes late changes nothing

function put(changes) {
  known = { ...known, ...changes };
  listeners.forEach((call) => call());
}

/** Whether it can be found in every way there is here. */
export const isDone = ({ refused, is_indexed: isIndexed, chunks, embedded }, hasMeaning) => Boolean(refused) || (isIndexed && (!hasMeaning || embedded === chunks));
const left = ({ documents, has_meaning: hasMeaning }) => documents.filter((each) => !isDone(each, hasMeaning)).reduce((sum, { chunks, embedded }) => sum + 1 + chunks - embedded, 0);

/** Read the list anew, and again as long as something grows and somebody looks. */
export async function readDocuments() {
  clearTimeout(lookTimer);
  const number = ++reads;
  const before = known.told && left(known.told);
  try {
    const told = await ask(PATH);
    if (number !== reads) return;
    looks = left(told) === before ? looks + 1 : 0;
    put({ told, trouble: "" });
  } catch (sentence) {
    if (number !== reads) return;
    looks += 1;
    put({ trouble: String(sentence) }); // what was known stays
  }
  if (listeners.size && (known.trouble || left(known.told))) lookTimer = setTimeout(() => !document.hidden && readDocuments(), LOOKS_MS[Math.min(looks, LOOKS_MS.length - 1)]);
}
globalThis.document?.addEventListener("visibilitychange", () => !document.hidden && listeners.size && readDocuments());

const unwanted = new Set(); // keys of files that were taken back once the server had them: it still makes them documents
const queue = makeQueue({
  pathOf: (key) => {
    const { name, collection } = known.pending.find((each) => each.key === key);
    return `${PATH}?${new URLSearchParams({ name, collection, key })}`;
  },
  onSettled(key, _, { status, response }) {
    if (unwanted.delete(key)) return response?.id && removeDocument(response.id).catch(() => {});
    if (status !== 201) return change(key, { error: sentenceOf(response?.error ?? {}) });
    const others = known.told?.documents.filter(({ id, name, refused }) => id !== response.id && !(refused && name === response.name));
    put({ pending: without(key), told: known.told && { ...known.told, documents: [response, ...others] } });
    readDocuments();
  },
  onBroken: (key) => unwanted.delete(key) || change(key, { error: t("files.offline") }),
  onChange: () => ticks.forEach((call) => call()),
});

const without = (key) => known.pending.filter((each) => each.key !== key);
const change = (key, changes) => put({ pending: known.pending.map((each) => (each.key === key ? { ...each, ...changes } : each)) });

/** How much of a file is with the server, from 0 to 1, as a React hook; undefined where it is not on its way. */
export const useProgress = (key) => useSyncExternalStore(onTicks, () => queue.progressOf(key));
function onTicks(call) {
  ticks.add(call);
  return () => ticks.delete(call);
}

/** Add files, to a collection or to none. */
export function addDocuments(files, collection) {
  const most = known.told?.most_bytes;
  const why = ({ size }) => (size > most ? t("file.large", { most: String(most / 1_000_000) }) : "");
  const added = files.map((file) => ({ key: newKey(), name: file.name, size_bytes: file.size, collection, file, error: why(file), isRefused: Boolean(why(file)) }));
  put({ pending: [...added, ...known.pending] });
  queue.send(added.filter(({ isRefused }) => !isRefused).map(({ key, file }) => [key, file]));
}

export function tryAgain({ key, file, collection }) {
  const isThere = known.told?.collections.some(({ id }) => id === collection);
  change(key, { error: "", collection: isThere ? collection : "" });
  queue.send([[key, file]]);
}

/** Take a file back, wherever it is on its way. */
export function takeBack({ key }) {
  if (queue.progressOf(key) === 1) unwanted.add(key);
  else queue.drop(key);
  put({ pending: without(key) });
}

// What is on its way would be lost with the page.
globalThis.addEventListener?.("beforeunload", (event) => known.pending.some(({ key }) => queue.has(key)) && event.preventDefault());

/** Do something at the server and see what became of it; raises the sentence that says why not. */
async function doAndRead(path, options) {
  try {
    return await ask(path, options);
  } finally {
    await readDocuments();
  }
}

const pathOf = (id) => `${PATH}/${encodeURIComponent(id)}`;
export const fileOf = (id) => `${pathOf(id)}/file`;
export const readText = (id, where) => ask(`${pathOf(id)}/text?${new URLSearchParams(where)}`);
export const removeDocument = (id) => doAndRead(pathOf(id), { method: "DELETE" });
export const moveDocument = (id, collection) => doAndRead(pathOf(id), { ...post({ collection }), method: "PATCH" });
export const makeCollection = (name) => doAndRead("/api/collections", post({ name }));
export const removeCollection = (id) => doAndRead(`/api/collections/${encodeURIComponent(id)}`, { method: "DELETE" });

function onDocuments(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

/** {told: what the server lists, null until it has; trouble; pending}. */
export function useDocuments() {
  const found = useSyncExternalStore(onDocuments, () => known);
  useEffect(() => void readDocuments(), []);
  return found;
}
