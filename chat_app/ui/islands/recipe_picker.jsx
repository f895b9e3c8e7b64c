// The recipe that the next message is asked by, and the questions that it proposes to begin with.
import { useEffect } from "react";
import { act } from "./acts.js";
import { idHere } from "./drafts.js";
import { t } from "./i18n.js";
import { useIsCompared, useModel } from "./model_picker.jsx";
import { useParameters } from "./parameters_hook.js";
import { Picker } from "./picker.jsx";
import { recipeOf, useRecipes } from "./recipes.js";

const NONE = "";

/** Which recipe a conversation is asked by, what it is called, and what chooses another, "" for none, undefined for the usual one; with it comes its model. */
export function useRecipe({ known, isTuned, onPick }) {
  const recipes = useRecipes();
  const isNew = !idHere();
  const [model, , showModel] = useModel(idHere(), known, onPick);
  const isTelling = isTuned || isNew; // any other has no values, which need not be asked for
  const { told, own, set } = useParameters(model, isTelling);
  const chosen = own.recipe ?? null;
  const recipe = recipeOf(recipes, chosen);
  const stored = told?.recipe;
  const choose = (id) => {
    const wanted = recipeOf(recipes, { id })?.content.values.model ?? "";
    set({ recipe: id ? { id } : id === undefined ? undefined : null, ...(wanted ? { model: undefined } : {}) }); // with it comes its model, and goes
    if (wanted || (!own.model && recipe?.content.values.model)) showModel(wanted);
  };
  const name = recipe?.content.name ?? (stored?.id === chosen?.id ? stored?.name : undefined);
  return { recipes, recipe, own, chosen, name: chosen ? (name ?? t("recipe.gone")) : "", choose: told || !isTelling ? choose : undefined };
}

export function RecipePicker(props) {
  const { recipes, recipe, own, chosen, name, choose } = useRecipe(props);
  const [, , showModel] = useModel(idHere(), props.known, props.onPick);
  const usual = recipe?.content.values.model ?? "";
  useEffect(() => {
    if (recipe && !idHere() && !own.model) showModel(usual); // a new chat begins with the recipe's model, too, or with one's own
  }, [recipe?.id, usual]);
  const isCompared = useIsCompared();
  if (!choose || !recipes || isCompared) return null;
  const items = [
    { id: NONE, text: t("recipe.none") },
    ...recipes.map(({ id, content, number, published, is_shipped: comes }) => ({
      id, kind: "words", text: content.name, note: comes ? content.description : `v${number}${published ? "" : ` · ${t("recipe.draft")}`}`,
    })),
  ];
  return <Picker label={t("recipe.button")} listLabel={t("recipe.list")} text={`${name || t("recipe.button")} ▾`} kind="listbox" opener="choose-recipe" items={items} selected={chosen?.id ?? NONE} onPick={choose} />;
}

/** The recipe's questions to begin with; where it has none, the children. */
export function StartingPoints({ children, ...props }) {
  const { recipe } = useRecipe(props);
  const points = recipe?.content.starting_points ?? [];
  if (!points.length) return children;
  return (
    <div className="starts">
      {points.map((text) => <button key={text} type="button" className="start" dir="auto" onClick={() => act("write", text)}>{text}</button>)}
    </div>
  );
}
