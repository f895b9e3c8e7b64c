// The files of drafts on their way to the server: what became of each stands in the draft that it was given to, wherever that is by then.
import { sentenceOf } from "./ask.js";
import { changeFile, draftOf, fileOf, newKey, write } from "./drafts.js";
import { t } from "./i18n.js";
import { livingTabs, tab } from "./tabs.js";
import { makeQueue } from "./transfer.js";

const PASSING = new Set(["store_unavailable", "bad_request", "error", undefined]); // codes of what may be over at the next try

const listeners = new Set();

const tell = () => listeners.forEach((call) => call());
export function onUploads(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

const queue = makeQueue({
  pathOf: (_, file) => `/api/files?name=${encodeURIComponent(file.name)}`,
  onSettled: settle,
  onBroken(key, file) {
    failed.set(key, file);
    changeFile(key, { error: t("files.offline") });
  },
  onChange: tell,
});
export const progressOf = queue.progressOf;

let living = new Set(); // names of tabs, of which another may be about to upload what is shown here
async function lookForTabs() {
  living = (await livingTabs()) ?? living;
  tell();
}
for (const name of ["storage", "focus"]) globalThis.addEventListener?.(name, lookForTabs);
if (globalThis.localStorage) lookForTabs();

/** A file of a draft: with the server, on its way there from here or elsewhere, or neither. */
export function stateOf({ key, id, error, tab: from }) {
  if (id) return "here";
  if (error) return "failed";
  if (queue.has(key)) return "under way";
  return from !== tab && living.has(from) ? "elsewhere" : "lost";
}

/** Give files to the draft of a conversation; returns the keys of those that there was room for. */
export function attach(id, files, most) {
  const draft = draftOf(id);
  const taken = [...files].slice(0, Math.max(0, most - draft.files.length));
  const added = taken.map((file) => ({ key: newKey(), name: file.name, size_bytes: file.size, media_type: file.type, alt: "", tab }));
  write(id, { ...draft, files: [...draft.files, ...added] });
  queue.send(added.map(({ key }, index) => [key, taken[index]]));
  return added.map(({ key }) => key);
}

export function again(key, file) {
  const given = file ?? failed.get(key);
  failed.delete(key);
  changeFile(key, { error: undefined });
  queue.send([[key, given]]);
}
const failed = new Map(); // key → the file, to be tried again

/** Whether a file can be tried again: after a reload it has to be chosen anew. */
export const canRetry = (key) => failed.has(key);

/** Take a file out of its draft, wherever it is on its way. */
export function detach(id, file) {
  failed.delete(file.key);
  queue.drop(file.key);
  const draft = draftOf(id);
  write(id, { ...draft, files: draft.files.filter(({ key }) => key !== file.key) });
  if (file.id) fetch(`/api/files/${file.id}`, { method: "DELETE" }).catch(() => {}); // else it is swept some day
}

function settle(key, file, { status, response }) {
  if (status === 201) return changeFile(key, { ...response, note: noteOf(file, response) });
  const error = response?.error ?? {};
  if (PASSING.has(error.code) || error.reason === "unsent") failed.set(key, file);
  changeFile(key, { error: error.code === "store_unavailable" ? t("files.unstored") : sentenceOf(error) });
}

const CLAIMS = /^(image|audio|application\/pdf)/; // by what a name ends in, as the browser reads it
const familyOf = (kind) => kind.split("/")[0];

/** What is to be said of a file that is not taken as its name has it. */
function noteOf({ name, type }, taken) {
  if (CLAIMS.test(type) && familyOf(type) !== familyOf(taken.media_type)) return familyOf(taken.media_type);
  if (taken.facts.is_double) return "double";
  return taken.name === name ? undefined : "renamed";
}

/** Why a message was not taken, in a sentence; a file that is gone says so itself, too. */
export function whyRefused({ code, reason, values }) {
  if (!reason) return t(`refused.${code}`);
  const why = sentenceOf({ code, reason, values });
  if (reason === "gone") fileOf(values.id, ({ key }) => changeFile(key, { id: undefined, error: why }));
  return why;
}
