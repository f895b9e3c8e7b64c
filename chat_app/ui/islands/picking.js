// Where the list of a picker stands, and which of its items letters mean.
const GAP = 4;

/** Whether a finger does most of the pointing. */
export const isTouch = () => matchMedia("(pointer: coarse)").matches;

export const isNarrow = () => matchMedia("(max-width: 767px)").matches;

/** Over or under its button, wherever there is more room, and never past the window's edges; on a phone a sheet. */
export function put(list, button) {
  list.showPopover();
  list.removeAttribute("style");
  if (isNarrow()) return;
  const at = button.getBoundingClientRect();
  const [above, below] = [at.top - GAP, innerHeight - at.bottom - GAP];
  const isBelow = below >= Math.min(list.scrollHeight + GAP, above);
  list.style.maxHeight = `${(isBelow ? below : above) - GAP}px`;
  list.style.top = isBelow ? `${at.bottom + GAP}px` : `${at.top - GAP - list.offsetHeight}px`;
  list.style.left = `${Math.max(GAP, Math.min(at.left, innerWidth - list.offsetWidth - GAP))}px`;
}

/** Which item letters mean: one that begins with them, else one that has them; one letter, also again and again, means the next. */
export function find(items, text, at) {
  const isRound = [...text].every((letter) => letter === text[0]);
  const wanted = isRound ? text[0] : text;
  const names = items.map((item) => item.text.toLowerCase());
  const next = isRound ? names.findIndex((name, index) => index > at && name.startsWith(wanted)) : -1;
  const first = names.findIndex((name) => name.startsWith(wanted));
  return next >= 0 ? next : first >= 0 ? first : names.findIndex((name) => name.includes(wanted));
}

const TAP_MS = 500;

function swallow(event) {
  event.preventDefault();
  event.stopPropagation();
}

/** A tap beside a sheet closes it, and no more. */
export function swallowTap() {
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), TAP_MS);
}
