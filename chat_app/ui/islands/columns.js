// What those who answer a question side by side are called, and which models they are.
import { t } from "./i18n.js";
import { useNameOf } from "./names.js";
import { recipeOf, useRecipes } from "./recipes.js";

/** What gives a column's name, such as "qwen-plus" or "Writer v2". */
export function useColumnName() {
  const nameOf = useNameOf();
  const recipes = useRecipes();
  return ({ model, recipe }) => {
    if (!recipe) return nameOf(model);
    const name = recipeOf(recipes, recipe)?.content.name ?? (recipes ? t("recipe.gone") : t("recipe.button"));
    return recipe.version ? `${name} v${recipe.version}` : name;
  };
}

/** What gives the model that a column is asked of, where the conversation's own is `usual`. */
export function useColumnModel(usual) {
  const recipes = useRecipes();
  return ({ model, recipe }) => model || recipeOf(recipes, recipe)?.content.values.model || usual;
}
