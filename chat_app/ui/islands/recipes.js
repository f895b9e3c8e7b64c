// The recipes that can be chosen, as the server lists them; read when they are first needed and after each change.
import { useEffect, useSyncExternalStore } from "react";
import { ask, post } from "./ask.js";
import { language, t } from "./i18n.js";

const PATH = "/api/recipes";
const listeners = new Set();
let list = null;
let reading = null;

function onRecipes(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

/** Read them anew; raises the sentence that says why not. */
export async function readRecipes() {
  reading = ask(`${PATH}?language=${language}`);
  list = await reading;
  listeners.forEach((call) => call());
}

/** The list, null until it is there. */
export function useRecipes() {
  const found = useSyncExternalStore(onRecipes, () => list);
  useEffect(() => {
    if (!reading) readRecipes().catch(() => (reading = null));
  }, []);
  return found;
}

export const recipeOf = (recipes, chosen) => recipes?.find(({ id }) => id === chosen?.id);
export const versionsOf = (id) => ask(`${PATH}/${encodeURIComponent(id)}?language=${language}`);
export const differencesOf = (id, old, now) => ask(`${PATH}/${encodeURIComponent(id)}/diff?old=${old}&new=${now}`);
export const exportOf = (id, number = "") => `${PATH}/${encodeURIComponent(id)}/export?version=${number}&language=${language}`;

/** Publish, share or delete one. */
export async function move(id, changes) {
  await ask(`${PATH}/${encodeURIComponent(id)}`, { ...post(changes), method: "PATCH" });
  await readRecipes();
}

/** Save a version, or a new recipe where `id` is empty: {id, number}, or {conflict} where somebody else was quicker; raises what is wrong. */
export async function saveRecipe(id, content, note, base) {
  let response;
  try {
    response = await fetch(id ? `${PATH}/${encodeURIComponent(id)}` : PATH, post({ content, note, base }));
  } catch {
    throw { sentence: t("error.offline") };
  }
  const body = await response.json().catch(() => null);
  if (response.status === 409 && body?.newest) return { conflict: body };
  if (!response.ok || !body) {
    const { code = "error", reason, values } = body?.error ?? {};
    throw { field: values?.field, sentence: reason ? t(`value.${reason}`, values) : t(`error.${code}`), reason, values };
  }
  await readRecipes();
  return body;
}
