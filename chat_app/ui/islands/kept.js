// Values kept in this browser, as JSON. What it has no room for is as safe as the tab is; what cannot be read is dropped.
const held = new Map(); // name → JSON that found no room

/** Keep a value; false where it will not outlive the tab. */
export function keep(name, value, storage = localStorage) {
  const text = JSON.stringify(value);
  try {
    storage.setItem(name, text);
    held.delete(name);
    return true;
  } catch {
    forget(name, storage); // an older value must not come back in its place
    held.set(name, text);
    return false;
  }
}

/** The value of a name; null where there is none, or none that `isRight`. */
export function recall(name, isRight, storage = localStorage) {
  const text = held.get(name) ?? storage.getItem(name);
  try {
    const value = JSON.parse(text);
    if (value !== null && isRight(value)) return value;
  } catch {
    // dropped below: it would be as wrong at the next look
  }
  if (text !== null) forget(name, storage);
  return null;
}

export function forget(name, storage = localStorage) {
  held.delete(name);
  storage.removeItem(name);
}

/** The names that begin so, in no order. */
export const namesOf = (start) => [...new Set([...Object.keys(localStorage), ...held.keys()])].filter((name) => name.startsWith(start));
