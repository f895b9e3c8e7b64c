// The parameters of the conversation that the address names, as a React hook.
import { useEffect, useSyncExternalStore } from "react";
import { useLocation } from "react-router";
import { idHere, onDrafts } from "./drafts.js";
import { layersOf, ownOf } from "./parameter_values.js";
import { change, changeOf, onParameters, read, refusedOf, toldOf } from "./parameters.js";

/** What is known of them, null until something is; `isWanted` says whether anybody looks, `mark` when to read anew. */
export function useParameters(model, isWanted, mark) {
  useLocation(); // renders again when the address changes
  const id = useSyncExternalStore(onDrafts, idHere);
  const pending = useSyncExternalStore(onParameters, () => changeOf(id));
  const told = useSyncExternalStore(onParameters, () => toldOf(id));
  const refused = useSyncExternalStore(onParameters, () => refusedOf(id));
  useEffect(() => {
    if (!isWanted) return undefined;
    const look = () => document.visibilityState === "visible" && read(id, model).catch(() => {}); // what is shown stays
    look();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [id, model, isWanted, mark]);
  if (!told) return { id, refused, known: null };
  const own = ownOf(told, pending);
  return { id, refused, known: { told, own, layers: layersOf(told, own) }, set: (values) => change(id, values) };
}
