// Going on with one of several answers: the next words are for whoever gave it, and for nobody else.
import { draftOf, idHere, write } from "./drafts.js";
import { useModel } from "./model_picker.jsx";
import { change } from "./parameters.js";

/** The recipe that a compared column names, by the version of it that an answer was asked by, such as "writer@3". */
function recipeIn(columns, version) {
  const [, id, number] = /^(.*)@(\d+)$/s.exec(version) ?? [];
  return columns.map(({ recipe }) => recipe).find((recipe) => recipe && recipe.id === id && (recipe.version ?? Number(number)) === Number(number));
}

/** What lets the model and the recipe of an answer answer next; while nobody is compared they stay as they are. */
export function useGoOn(known, onPick) {
  const id = idHere();
  const [, , showModel] = useModel(id, known, onPick);
  return ({ model, recipe_version: version }) => {
    const draft = draftOf(id);
    if (!draft.columns.length) return;
    write(id, { ...draft, columns: [] });
    const recipe = recipeIn(draft.columns, version);
    change(id, recipe ? { recipe, model } : { model });
    showModel(model);
  };
}
