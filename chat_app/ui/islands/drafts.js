// The words being written: one draft per conversation, kept in this browser, and on this page as long as it is open. A tab in
// which nobody writes shows what another tab writes; one in which somebody does keeps its own.
import { isColumn } from "./column.js";
import { forget, keep, recall } from "./kept.js";

const PLACE = "chat_app.draft.";
const SAVE_MS = 300;
const NEW = new Set(["/", "/new"]);
const NOTHING = Object.freeze({ text: "", pasted: Object.freeze([]), files: Object.freeze([]), columns: Object.freeze([]) });
const isFile = (file) => typeof file?.key === "string" && typeof file.name === "string" && typeof file.media_type === "string";
/** Words that may go, the files that go with them, and who answers side by side; older ones have neither. */
export const isDraft = ({ text, pasted, files = [], columns = [] }) =>
  typeof text === "string" && Array.isArray(pasted) && pasted.every((each) => typeof each === "string") && Array.isArray(files) && files.every(isFile) &&
  Array.isArray(columns) && columns.every(isColumn);
const placeOf = (id) => PLACE + (id || "new");

const known = new Map(); // id → its draft
const written = new Set(); // ids of those that were written here
const unsaved = new Map(); // id → the timer that saves it
const tooLong = new Set(); // ids of those that this browser has no room for
const listeners = new Set();
let begun = ""; // the conversation that a send from the new chat in view began, until the address says so

const tell = () => listeners.forEach((call) => call());

/** What is sent of a draft: its pasted pieces, then its text. */
export const whole = ({ text, pasted }) => [...pasted, text].filter((piece) => piece.trim()).join("\n\n");

/** How many characters a text has, as the server counts them: JavaScript counts an emoji twice. Exact from `most` on. */
export const lengthOf = (text, most) => (text.length <= most ? text.length : text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0));

/** The key of one send, by which the server knows it when it comes twice. `randomUUID` is missing on plain http. */
export const newKey = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;

/** Whether the address is a new chat's, and nothing has been begun in it yet. */
export const isNewHere = () => NEW.has(location.pathname) && !begun;

/** The conversation that the address names, or that a new chat has just become. */
export const idHere = () => (/^\/c\/([^/]+)/.exec(location.pathname)?.[1] ?? "") || begun;

export function onDrafts(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

export function draftOf(id) {
  if (!known.has(id)) known.set(id, { ...NOTHING, ...recall(placeOf(id), isDraft) });
  return known.get(id);
}

/** Whether a draft outlives this tab. */
export const isSafe = (id) => !tooLong.has(id);

export function write(id, draft) {
  known.set(id, draft);
  written.add(id);
  clearTimeout(unsaved.get(id));
  unsaved.set(id, setTimeout(() => save(id), SAVE_MS));
  tell();
}

/** Do something with a file of a draft that the server has under this id. */
export function fileOf(id, call) {
  const found = [...known.values()].flatMap(({ files }) => files).find((file) => file.id === id);
  if (found) call(found);
}

/** The conversation whose draft has a file; undefined where none has. */
export const keeperOf = (key) => [...known].find(([, { files }]) => files.some((file) => file.key === key))?.[0];

/** Note what became of a file of a draft, whichever that is. */
export function changeFile(key, changes) {
  for (const [id, draft] of known) {
    if (!draft.files.some((file) => file.key === key)) continue;
    write(id, { ...draft, files: draft.files.map((file) => (file.key === key ? { ...file, ...changes } : file)) });
    save(id);
  }
}

/** The words went to the outbox; who answers the next ones stays. */
export function clear(id) {
  write(id, { ...NOTHING, columns: draftOf(id).columns });
  save(id);
}

function save(id) {
  clearTimeout(unsaved.get(id));
  if (!unsaved.delete(id)) return;
  const draft = known.get(id);
  const isEmpty = !whole(draft) && !draft.files.length && !draft.columns.length;
  if (isEmpty) {
    forget(placeOf(id));
    written.delete(id);
  }
  const isKept = isEmpty || keep(placeOf(id), draft);
  if (isKept === isSafe(id)) return;
  if (isKept) tooLong.delete(id);
  else tooLong.add(id);
  tell();
}

/** The first send from the new chat in view has its conversation: the next words, which may be under way, belong there. */
export function begin(id) {
  if (!isNewHere()) return;
  begun = id;
  if (!written.has("")) return tell(); // what another tab writes stays where it is
  write(id, draftOf("")); // before they are gone there: whoever looks for a file of them finds it at any moment
  save(id);
  write("", NOTHING);
  save("");
}

/** The conversation that waits for its address; "" is none. */
export const begunHere = () => begun;

/** The address says by itself which conversation is in view. */
export const endBegun = () => {
  begun = "";
};

globalThis.addEventListener?.("pagehide", () => [...unsaved.keys()].forEach(save));
globalThis.addEventListener?.("storage", ({ key, newValue }) => {
  for (const id of known.keys()) {
    if (placeOf(id) !== key) continue;
    if (!written.has(id)) known.delete(id);
    else if (newValue === null) keep(key, known.get(id)); // another tab sent its own words; these are not sent yet
  }
  tell();
});
