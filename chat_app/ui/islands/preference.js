// Which of the answers to a question a person likes best: one at most, shown at once and taken back where it is not kept.
import { ask, post } from "./ask.js";
import { note, want, wordsOf } from "./words.js";

const pathOf = (id) => `/api/messages/${id}/preference`;

/** Like an answer better than the others, or no better any more; raises the sentence that says why that is not kept. */
export async function prefer(id, others) {
  const wasPreferred = Boolean(wordsOf(id)?.preferred);
  note(id, { preferred: !wasPreferred });
  others.forEach((other) => note(other, { preferred: false }));
  try {
    await ask(pathOf(id), wasPreferred ? { method: "DELETE" } : { ...post({ others }), method: "PUT" });
  } catch (sentence) {
    [id, ...others].forEach(want); // the server knows
    note(id, { preferred: wasPreferred });
    throw sentence;
  }
}
