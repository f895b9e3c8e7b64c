// Has recordings turned into text, by whichever server can.
import { sentenceOf } from "./ask.js";
import { changeFile, draftOf, keeperOf, onDrafts, write } from "./drafts.js";
import { t } from "./i18n.js";
import { attach, detach, stateOf } from "./uploads.js";
import { asWav } from "./wav.js";

const under = new Set(); // keys of files of drafts
const listeners = new Set();

export function onTranscripts(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

/** Whether a file of a draft is being turned into text. */
export const isBeingHeard = (key) => under.has(key);

/** What is said in a recording; raises the sentence that says why nobody knows. `by` is the model that hears it. */
export async function transcript(id, by, method = "POST") {
  let response;
  try {
    response = await fetch(`/api/files/${id}/transcript`, { method });
  } catch {
    throw t("files.offline");
  }
  const { text, error = {} } = await response.json().catch(() => ({}));
  if (response.ok) return text;
  const known = `problem.${error.code}.what`;
  const why = t(known, { model: by?.text, server: by?.note });
  throw error.reason || why === known || !by ? sentenceOf(error) : why;
}

/** Note what is said in a file of a draft with it; returns that, or nothing where it is not known. */
export async function hear(key, by) {
  mark(key, true);
  try {
    const file = await arrived(key);
    const text = file && (await transcript(file.id, by));
    if (text) changeFile(key, { isHeard: true, unheard: undefined });
    return text;
  } catch (sentence) {
    changeFile(key, { unheard: String(sentence) });
    return undefined;
  } finally {
    mark(key, false);
  }
}

/** Put what is said in a file of a draft into its words, in the file's place. */
export async function toText(key, by) {
  const text = await hear(key, by);
  const id = keeperOf(key); // by now another's, where the first words began a conversation
  if (!text || id === undefined) return;
  const draft = draftOf(id);
  write(id, { ...draft, text: [draft.text, text].filter((each) => each.trim()).join(draft.text.endsWith("\n") ? "" : " ") });
  detach(id, draft.files.find((file) => file.key === key));
}

/** Put a WAV of a recording in its place, which every model that hears takes, once the server has it. */
export async function toWav(key) {
  mark(key, true);
  try {
    const file = await arrived(key);
    const made = file && (await asWav(await (await fetch(`/api/files/${file.id}`)).blob()));
    const id = keeperOf(key);
    if (!made || id === undefined) return;
    const [wav] = attach(id, [new File([made], file.name.replace(/(\.[^.]*)?$/, ".wav"), { type: made.type })], Infinity);
    if (await arrived(wav)) detach(keeperOf(key), file);
  } catch {
    changeFile(key, { unheard: t("files.no_wav") });
  } finally {
    mark(key, false);
  }
}

function mark(key, isUnder) {
  if (isUnder) under.add(key);
  else under.delete(key);
  listeners.forEach((call) => call());
}

/** A file of a draft once the server has it; undefined where that comes to nothing. */
function arrived(key) {
  return new Promise((resolve) => {
    const look = () => {
      const file = draftOf(keeperOf(key) ?? "").files.find((each) => each.key === key);
      if (file && stateOf(file) === "under way") return;
      leave();
      resolve(file?.id ? file : undefined);
    };
    const leave = onDrafts(look);
    look();
  });
}
