// What models are called here, where that is not their own name. A program asks for them by their own.
import { useSyncExternalStore } from "react";

const listeners = new Set();
let names = {};

function onNames(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

export function learnNames(told) {
  names = told ?? {};
  listeners.forEach((call) => call());
}

/** What gives a model's name. */
export function useNameOf() {
  const known = useSyncExternalStore(onNames, () => names);
  return (model) => (Object.hasOwn(known, model) ? known[model] : model);
}
