// In the panel: which recipe, and what works kept as one, or as the next version of the one that there is.
import { useState } from "react";
import { ChosenField } from "./chosen_field.jsx";
import { t } from "./i18n.js";
import { recall } from "./kept.js";
import { found } from "./parameter_values.js";
import { change, changeOf, read, saved } from "./parameters.js";
import { recipeOf, useRecipes } from "./recipes.js";
import { isForm, placeOf, SaveForm } from "./save_form.jsx";

/** Where the choice of the recipe comes from: a new chat begins with the person's own. */
function sourceOf(id, layers) {
  const { now, below } = found(layers, "recipe");
  if (!now?.value) return "";
  return t(`parameter.from.${!id && below && !("recipe" in changeOf(id).set) ? "person" : "conversation"}`);
}

export function RecipeField({ id, known, model, chosen, name, choose }) {
  const { told, own, layers } = known;
  const recipes = useRecipes();
  const recipe = recipeOf(recipes, chosen);
  const [form, open] = useState(() => [chosen?.id, ""].find((each) => each !== undefined && recall(placeOf(id, each), isForm, sessionStorage))); // the recipe’s id, "" for a new one, undefined for none
  if (!recipes) return null;
  const number = told.recipe?.id === chosen?.id ? (told.recipe?.number ?? recipe?.number) : recipe?.number;
  const isChanged = Object.keys(own).some((each) => !["recipe", "documents"].includes(each));
  const isPinned = recipe?.published && chosen.version && chosen.version !== recipe.published;
  const onSaved = async ({ id: recipeId, number: version }) => {
    open(undefined);
    const counts = recipe?.id !== recipeId || !recipe.published; // else the published one does, and this conversation goes on with the new
    const values = Object.fromEntries(Object.keys(own).map((each) => [each, undefined]));
    change(id, { ...values, recipe: { id: recipeId, ...(counts ? {} : { version }) } });
    await saved(id);
    await read(id, model);
  };
  const follow = () => change(id, { recipe: { id: recipe.id } });
  const isOwn = id ? Boolean(own.recipe) : "recipe" in changeOf(id).set;
  const note = [recipe && `v${number}`, recipe && isChanged && t("recipe.changed"), sourceOf(id, layers)].filter(Boolean).join(" · ");
  return (
    <div className="parameter">
      <ChosenField name="recipe" value={name || t("recipe.none")} note={note} opener="choose-recipe" onReset={isOwn ? () => choose(undefined) : undefined} />
      {told.is_recipe_gone && <p className="limit" role="alert">{t("error.recipe_gone")}</p>}
      {isPinned && (
        <p className="help">
          {t("recipe.pinned", { number: chosen.version, published: recipe.published })} <button type="button" className="link" onClick={follow}>{t("recipe.follow")}</button>
        </p>
      )}
      {form === "" || (form && form === recipe?.id) ? (
        <SaveForm id={id} recipe={form ? { id: recipe.id, newest: recipe.newest, name: told.recipe?.id === recipe.id ? told.recipe.name : recipe.content.name } : undefined} number={number} known={known} model={model} onSaved={onSaved} onClose={() => open(undefined)} />
      ) : (
        <div className="row">
          {recipe && !recipe.is_shipped && isChanged && <button type="button" className="button" onClick={() => open(recipe.id)}>{t("recipe.save_version", { number: recipe.newest + 1 })}</button>}
          <button type="button" className="button" onClick={() => open("")}>{t("recipe.save_new")}</button>
          <a className="link" href="/recipes">{t("recipe.all")}</a>
        </div>
      )}
    </div>
  );
}
