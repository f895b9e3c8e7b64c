// What works in a conversation, saved as a recipe or as its next version. What is typed outlives a reload.
import { useState } from "react";
import { Conflict } from "./differences.jsx";
import { t } from "./i18n.js";
import { hasTexts, useKept } from "./kept_hook.js";
import { useNameOf } from "./names.js";
import { useOnce } from "./once.js";
import { ownOf } from "./parameter_values.js";
import { changeOf, formOf, read, saved, toldOf } from "./parameters.js";
import { saveRecipe } from "./recipes.js";

/** Where the form lies by which a conversation becomes a version of a recipe, or a new one, of which the id is "". */
export const placeOf = (id, recipe) => formOf(id, `save.${recipe}`);
export const isForm = hasTexts("name", "note");

const layerOf = (layers, wanted) => layers.find(({ name }) => name === wanted)?.values ?? {};

/** The names of a person's own defaults that say something here. */
const mineIn = (layers, own) =>
  Object.keys(layerOf(layers, "person")).filter((name) => !["recipe", "model", "documents"].includes(name) && !(name in layerOf(layers, "recipe")) && !(name in own));

/** The layers of a conversation once the server has its choice of a recipe; raises {sentence} where it does not get it. */
async function settled(id, model) {
  try {
    await read(id, model);
  } catch (sentence) {
    throw { sentence };
  }
  await saved(id); // a new chat's are looked at anew by this
  const told = toldOf(id);
  const own = ownOf(told, changeOf(id));
  const isTold = told.is_recipe_gone || ((told.recipe?.id ?? "") === (own.recipe?.id ?? "") && (!own.recipe?.version || own.recipe.version === told.recipe.number));
  if (!isTold) throw { sentence: t("error.offline") };
  return { layers: told.layers, own, recipe: told.recipe };
}

/** What the recipe says with what the conversation says over it. */
function valuesOf({ layers, own }, { model, isMine }) {
  const all = { ...(isMine ? layerOf(layers, "person") : {}), ...layerOf(layers, "recipe"), ...own };
  const values = Object.fromEntries(Object.entries(all).filter(([name]) => !["recipe", "model", "documents"].includes(name)));
  return model ? { ...values, model } : values;
}

const Tick = ({ label, isOn, onChange }) => (
  <label className="tick"><input type="checkbox" checked={isOn} onChange={({ target }) => onChange(target.checked)} /> <span>{label}</span></label>
);

/** `recipe` is the one whose next version it becomes: {id, name, newest}; without it a new one. */
export function SaveForm({ id, recipe, number, known: { layers, own }, model, onSaved, onClose }) {
  const [start] = useState({
    name: recipe?.name ?? "", note: "", base: recipe?.newest ?? 0, isModel: !recipe || Boolean(own.model ?? layerOf(layers, "recipe").model), isMine: !recipe,
  });
  const { typed, write, drop } = useKept(placeOf(id, recipe?.id ?? ""), start, isForm);
  const { name, note, base, isModel, isMine } = typed;
  const [trouble, setTrouble] = useState("");
  const [conflict, setConflict] = useState(null);
  const nameOf = useNameOf();
  const mine = mineIn(layers, own);
  const field = (name, more) => <input dir="auto" value={typed[name]} onChange={({ target }) => write({ [name]: target.value })} autoComplete="off" {...more} />;
  const close = (call) => (drop(), call());
  const save = useOnce(async () => {
    setTrouble("");
    try {
      const now = await settled(id, model);
      const values = valuesOf(now, { model: isModel && model, isMine });
      const { description = "", starting_points = [] } = now.recipe ?? {};
      const answer = await saveRecipe(recipe?.id ?? "", { name, values, description, starting_points }, note, base);
      setConflict(answer.conflict);
      if (answer.conflict) write({ base: answer.conflict.newest.number });
      else close(() => onSaved(answer));
    } catch ({ sentence = t("error.error"), field: wrong }) {
      setTrouble(wrong && wrong !== "name" ? `${wrong}: ${sentence}` : sentence);
    }
  });
  return (
    <form className="save-form" onSubmit={(event) => (event.preventDefault(), void save())} noValidate>
      <label>{t("recipe.name")}{field("name")}</label>
      <label>{t("recipe.note")}{field("note", { maxLength: 500 })}</label>
      {model && <Tick label={t("recipe.with_model", { model: nameOf(model) })} isOn={isModel} onChange={(isOn) => write({ isModel: isOn })} />}
      {mine.length > 0 && <Tick label={t("recipe.with_mine", { names: mine.join(", ") })} isOn={isMine} onChange={(isOn) => write({ isMine: isOn })} />}
      {recipe && number < recipe.newest && !conflict && <p className="help">{t("recipe.made_from", { number, newest: recipe.newest })}</p>}
      {conflict && <Conflict {...conflict} />}
      {trouble && <p className="limit" role="alert">{trouble}</p>}
      <div className="row">
        <button type="submit" className="button primary">{conflict ? t("recipe.save_above", { number: conflict.newest.number }) : t("action.save")}</button>
        <button type="button" className="button" onClick={() => close(onClose)}>{t("action.cancel")}</button>
      </div>
    </form>
  );
}
