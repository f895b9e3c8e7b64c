// Going on with one of several answers: the next words are for whoever gave it, by the recipe that it was asked by, and for nobody else.
import { ask, post } from "./ask.js";
import { draftOf, idHere, write } from "./drafts.js";
import { read } from "./parameters.js";

/** Let the conversation go on so; raises the sentence that says why it does not. */
export async function goOnWith({ id, model }) {
  const here = idHere();
  await ask("/api/trials/go-on", post({ id }));
  write(here, { ...draftOf(here), columns: [] });
  read(here, model).catch(() => {}); // what is shown of its values stays
}
