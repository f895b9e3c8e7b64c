// In the panel: which recipe, and what works kept as one, or as the next version of the one that there is.
import { useState } from "react";
import { ChosenField } from "./chosen_field.jsx";
import { Conflict } from "./differences.jsx";
import { t } from "./i18n.js";
import { forget, keep, namesOf, recall } from "./kept.js";
import { change, read, saved } from "./parameters.js";
import { recipeOf, saveRecipe, useRecipes } from "./recipes.js";

/** What the recipe says with what the conversation says over it. */
function contentOf(recipe, layers, own, model, name) {
  const below = layers.find((layer) => layer.name === "recipe")?.values ?? {};
  const values = Object.fromEntries(Object.entries({ ...below, ...own, model }).filter(([key]) => key !== "recipe"));
  return { name, values, description: recipe?.content.description ?? "", starting_points: recipe?.content.starting_points ?? [] };
}

const isTyped = ({ name, note }) => typeof name === "string" && typeof note === "string";

function SaveForm({ recipe, number, isNew, layers, own, model, onSaved, onClose }) {
  const place = `chat_app.save.${recipe && !isNew ? recipe.id : "new"}`; // what is typed outlives a reload
  const [{ name, note }, setTyped] = useState(() => recall(place, isTyped) ?? { name: isNew ? "" : recipe.content.name, note: "" });
  const write = (changes) => {
    setTyped({ name, note, ...changes });
    keep(place, { name, note, ...changes });
  };
  const end = (call) => {
    forget(place);
    call();
  };
  const [trouble, setTrouble] = useState("");
  const [conflict, setConflict] = useState(null);
  const save = async (event) => {
    event.preventDefault();
    setTrouble("");
    try {
      const base = conflict ? conflict.newest.number : (isNew ? 0 : number);
      const answer = await saveRecipe(isNew ? "" : recipe.id, contentOf(recipe, layers, own, model, name), note, base);
      if (answer.conflict) setConflict(answer.conflict);
      else end(() => onSaved(answer));
    } catch ({ sentence, field }) {
      setTrouble(field && field !== "name" ? `${field}: ${sentence}` : sentence);
    }
  };
  return (
    <form className="save-form" onSubmit={save}>
      <label>{t("recipe.name")}<input dir="auto" value={name} onChange={({ target }) => write({ name: target.value })} required autoComplete="off" /></label>
      <label>{t("recipe.note")}<input dir="auto" value={note} onChange={({ target }) => write({ note: target.value })} maxLength={500} autoComplete="off" /></label>
      {conflict && <Conflict {...conflict} />}
      {trouble && <p className="limit" role="alert">{trouble}</p>}
      <div className="row">
        <button type="submit" className="button primary">{conflict ? t("recipe.save_above", { number: conflict.newest.number }) : t("action.save")}</button>
        <button type="button" className="button" onClick={() => end(onClose)}>{t("action.cancel")}</button>
      </div>
    </form>
  );
}

export function RecipeField({ id, known: { told, own, layers }, model, chosen, name }) {
  const recipes = useRecipes();
  const [form, open] = useState(() => (namesOf("chat_app.save.new").length ? "new" : "")); // "", "new" or "version"
  if (!recipes) return null;
  const recipe = recipeOf(recipes, chosen);
  const number = told.recipe?.id === chosen?.id ? (told.recipe?.number ?? recipe?.number) : recipe?.number;
  const isChanged = Object.keys(own).some((name) => name !== "recipe");
  const onSaved = async ({ id: recipeId, number: version }) => {
    open("");
    const isPinned = recipe && recipe.id === recipeId && recipe.published;
    const values = Object.fromEntries(Object.keys(own).map((name) => [name, undefined]));
    change(id, { ...values, recipe: { id: recipeId, ...(isPinned ? { version } : {}) } });
    await saved(id);
    await read(id, model);
  };
  return (
    <div className="parameter">
      <ChosenField name="recipe" value={name || t("recipe.none")} note={recipe && `v${number}${isChanged ? ` · ${t("recipe.changed")}` : ""}`} opener="choose-recipe" />
      {told.is_recipe_gone && <p className="limit" role="alert">{t("error.recipe_gone")}</p>}
      {form ? (
        <SaveForm recipe={recipe} number={number} isNew={form === "new"} layers={layers} own={own} model={model} onSaved={onSaved} onClose={() => open("")} />
      ) : (
        <div className="row">
          {recipe && !recipe.is_shipped && isChanged && <button type="button" className="button" onClick={() => open("version")}>{t("recipe.save_version", { number: recipe.newest + 1 })}</button>}
          <button type="button" className="button" onClick={() => open("new")}>{t("recipe.save_new")}</button>
          <a className="link" href="/recipes">{t("recipe.all")}</a>
        </div>
      )}
    </div>
  );
}
