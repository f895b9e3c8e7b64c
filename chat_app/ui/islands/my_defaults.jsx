// A person's own defaults, which lie below whatever a conversation says.
import { useEffect, useSyncExternalStore } from "react";
import { t } from "./i18n.js";
import { MyName } from "./my_name.jsx";
import { Fields } from "./parameter_fields.jsx";
import { layersOf, ownOf } from "./parameter_values.js";
import { useRecipes } from "./recipes.js";
import { change, changeOf, onParameters, PERSON, read, refusedOf, toldOf } from "./parameters.js";

/** What new conversations begin with that is chosen elsewhere. */
const Chosen = ({ name, value }) => (
  <p className="row">
    <span>{name}: <span dir="auto">{value}</span></span>
    <button type="button" className="button" onClick={() => change(PERSON, { [name]: undefined })}>{t("parameter.reset", { name })}</button>
  </p>
);

export function MyDefaults() {
  const pending = useSyncExternalStore(onParameters, () => changeOf(PERSON));
  const told = useSyncExternalStore(onParameters, () => toldOf(PERSON));
  const refused = useSyncExternalStore(onParameters, () => refusedOf(PERSON));
  useEffect(() => void read(PERSON, "").catch(() => {}), []);
  const own = ownOf(told, pending);
  const recipes = useRecipes();
  if (!told) return null;  // all of it at once: what came above the fold would move it away under a pointer
  return (
    <>
      <div className="fields defaults"><MyName known={told.name} /></div>
      <details role="group" aria-label={t("settings.defaults")} className="defaults fields">
        <summary>{t("settings.defaults.count", { count: Object.keys(own).length })}</summary>
        {own.recipe && <Chosen name="recipe" value={recipes?.find(({ id }) => id === own.recipe.id)?.content.name ?? t("recipe.gone")} />}
        {own.model && <Chosen name="model" value={own.model} />}
        <div className="panel-body"><Fields id={PERSON} known={{ told: { ...told, model: null }, own, layers: layersOf({ ...told, model: null }, own) }} refused={refused} onSet={(values) => change(PERSON, values)} /></div>
      </details>
    </>
  );
}
