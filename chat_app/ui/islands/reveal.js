// The way from a hit to its message: on its branch, in the middle of the page, and marked for a moment.
import { act } from "./acts.js";
import { ask, post } from "./ask.js";
import { idHere } from "./drafts.js";
import { keep } from "./kept.js";
import { bringTo, HEADER_GAP, placeKey } from "./scrolling.js";

const MARK_MS = 1200;

/** Open a message, and say so before: a dialog that is still open keeps the focus. Raises the sentence that says why not. */
export async function reveal(message, navigate, onFound = () => {}) {
  const { conversation } = await ask("/api/messages/show", post({ id: message }));
  onFound();
  if (conversation === idHere()) act("reveal", message);
  else {
    keep(placeKey(conversation), placeOf(message), sessionStorage);
    navigate(`/c/${conversation}`);
  }
}

/** The place of a message that was looked for, as the scroller goes to it. */
export const placeOf = (id) => ({ id, isHit: true });

/** Whether a place is one that is looked for and not found yet: its branch may still be on its way here. */
export const isSought = (place) => Boolean(place?.isHit && !place.isMarked);

/** Bring a message to its place: one that was looked for into the middle, or its beginning to the top where it is long. */
export function bringToPlace(scroller, article, place) {
  const middle = Math.max(HEADER_GAP, (scroller.clientHeight - article.offsetHeight) / 2);
  bringTo(scroller, article, place.isHit ? middle : place.off);
  if (!isSought(place) || getComputedStyle(article).visibility === "hidden") return; // hidden until there are words, it takes no focus
  place.isMarked = true; // once, also where words that come in around it move it
  article.dataset.hit = "true";
  article.focus({ preventScroll: true });
  setTimeout(() => delete article.dataset.hit, MARK_MS);
}
