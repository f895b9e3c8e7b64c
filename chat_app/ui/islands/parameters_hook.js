// The parameters of the conversation that the address names, as a React hook.
import { useEffect, useSyncExternalStore } from "react";
import { useLocation } from "react-router";
import { idHere, onDrafts } from "./drafts.js";
import { layersOf, ownOf } from "./parameter_values.js";
import { change, changeOf, onParameters, read, refusedOf, saved, toldOf } from "./parameters.js";

/** The conversation's own values and what else is known, null until all is; `isWanted` says whether anybody looks, `mark` when to read anew. */
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
  useEffect(() => void (id && saved(id)), [id]); // what an earlier page could not give to the server
  const own = ownOf(told, pending);
  const known = told?.specs ? { told, own, layers: layersOf(told, own) } : null; // what is told of a change has no table
  return { id, told, own, refused, known, set: (values) => change(id, values) };
}
