// A person's own defaults, which lie below whatever a conversation says.
import { useEffect, useState, useSyncExternalStore } from "react";
import { ask, post } from "./ask.js";
import { t } from "./i18n.js";
import { Fields } from "./parameter_fields.jsx";
import { layersOf, ownOf } from "./parameter_values.js";
import { useRecipes } from "./recipes.js";
import { change, changeOf, onParameters, PERSON, read, refusedOf, toldOf } from "./parameters.js";

/** What the person is called, in prompts and as the author of recipes; kept when the field is left. */
function MyName({ known }) {
  const [name, setName] = useState(known);
  const [said, say] = useState("");
  const save = () => ask("/api/name", post({ name })).then(() => say(t("settings.name.kept")), (sentence) => say(String(sentence)));
  return (
    <div className="my-name">
      <label htmlFor="my-name">{t("settings.name")}</label>
      <input id="my-name" dir="auto" value={name} maxLength={200} autoComplete="name" onChange={({ target }) => setName(target.value)} onBlur={() => name !== known && save()} />
      <p className="help" role="status">{said || t("settings.name.help")}</p>
    </div>
  );
}

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
  return (
    <>
      {told && <div className="fields defaults"><MyName known={told.name} /></div>}
      <details role="group" aria-label={t("settings.defaults")} className="defaults fields">
        <summary>{t("settings.defaults.count", { count: Object.keys(own).length })}</summary>
        {own.recipe && <Chosen name="recipe" value={recipes?.find(({ id }) => id === own.recipe.id)?.content.name ?? t("recipe.gone")} />}
        {own.model && <Chosen name="model" value={own.model} />}
      {told && <div className="panel-body"><Fields known={{ told, own, layers: layersOf(told, own) }} refused={refused} onSet={(values) => change(PERSON, values)} /></div>}
      </details>
    </>
  );
}
