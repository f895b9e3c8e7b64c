// A recipe written or changed: its name, what it says, and a note for the version. What is typed is kept until it is saved.
import { useEffect, useState } from "react";
import { ask } from "./ask.js";
import { Conflict } from "./differences.jsx";
import { t } from "./i18n.js";
import { forget, keep, recall } from "./kept.js";
import { Fields } from "./parameter_fields.jsx";
import { layersOf } from "./parameter_values.js";
import { PERSON, read, toldOf } from "./parameters.js";
import { saveRecipe } from "./recipes.js";

/** Where what is typed is kept: each version that is begun from has a place of its own. */
const placeOf = (id, start) => `chat_app.recipe.${id || "new"}${start ? `.${start}` : ""}`;
const isForm = ({ name, values }) => typeof name === "string" && typeof values === "object" && values !== null;
const EMPTY = { name: "", description: "", values: {}, starting_points: [] };

export function RecipeEditor({ recipe, from = EMPTY, start = "", base = 0, onClose }) {
  const place = placeOf(recipe?.id, start);
  const fresh = { ...from, points: from.starting_points.join("\n"), note: "", base };
  const [form, setForm] = useState(() => recall(place, isForm) ?? fresh);
  const [isBack, setBack] = useState(() => recall(place, isForm) !== null);
  const [told, setTold] = useState(() => toldOf(PERSON));
  const [models, setModels] = useState([]);
  const [trouble, setTrouble] = useState(null);
  const [conflict, setConflict] = useState(null);
  useEffect(() => {
    read(PERSON, "").then(() => setTold(toldOf(PERSON)), (sentence) => setTrouble({ sentence: String(sentence) }));
    ask("/api/servers").then(({ servers }) => setModels(servers.flatMap((server) => server.models.map(({ id }) => id))), () => {});
  }, []);
  const write = (changes) => {
    const next = { ...form, ...changes };
    setForm(next);
    keep(place, next);
  };
  const setValues = (changes) => {
    setTrouble(null);
    write({ values: Object.fromEntries(Object.entries({ ...form.values, ...changes }).filter(([, value]) => value !== undefined)) });
  };
  const end = () => {
    forget(place);
    onClose();
  };
  const save = async (event) => {
    event.preventDefault();
    setTrouble(null);
    const { name, description, values, points, note } = form;
    const content = { name, description, values, starting_points: points.split("\n").filter((point) => point.trim()) };
    try {
      const answer = await saveRecipe(recipe?.id ?? "", content, note, conflict ? conflict.newest.number : (form.base ?? 0));
      if (answer.conflict) setConflict(answer.conflict);
      else end();
    } catch (error) {
      setTrouble(error);
    }
  };
  const text = (name, more) => ({ id: `recipe-${name}`, value: form[name], dir: "auto", autoComplete: "off", onChange: ({ target }) => write({ [name]: target.value }), ...more });
  const refused = trouble?.field in form.values || trouble?.field === "system_prompt" ? { [trouble.field]: trouble } : {};
  const own = [{ name: "recipe", values: form.values }];
  return (
    <form className="recipe-editor fields" onSubmit={save} aria-label={recipe ? t("recipe.edit", { name: recipe.content.name }) : t("recipe.new")}>
      {isBack && (
        <p role="status" className="help">
          {t("recipe.draft_back")} <button type="button" className="link" onClick={() => (forget(place), setForm(fresh), setBack(false))}>{t("recipe.draft_drop")}</button>
        </p>
      )}
      <label htmlFor="recipe-name">{t("recipe.name")}</label><input {...text("name")} required />
      <label htmlFor="recipe-description">{t("recipe.description")}</label><input {...text("description")} />
      <label htmlFor="recipe-points">{t("recipe.points")}</label><textarea rows={3} {...text("points")} />
      <label htmlFor="recipe-model">model</label>
      <input id="recipe-model" list="recipe-models" value={form.values.model ?? ""} placeholder={t("recipe.any_model")} autoComplete="off" onChange={({ target }) => setValues({ model: target.value || undefined })} />
      <datalist id="recipe-models">{models.map((id) => <option key={id} value={id} />)}</datalist>
      {told && <Fields known={{ told: { ...told, model: null }, own: form.values, layers: layersOf({ model: null, layers: own }, form.values) }} refused={refused} onSet={setValues} />}
      <label htmlFor="recipe-note">{t("recipe.note")}</label><input {...text("note", { maxLength: 500 })} />
      {conflict && <Conflict {...conflict} />}
      {trouble && !Object.keys(refused).length && <p role="alert" className="limit">{trouble.sentence}</p>}
      {Object.keys(refused).length > 0 && <p role="alert" className="limit">{t("recipe.look_at", { field: trouble.field })}</p>}
      <div className="row">
        <button type="submit" className="button primary">{conflict ? t("recipe.save_above", { number: conflict.newest.number }) : t("action.save")}</button>
        <button type="button" className="button" onClick={end}>{t("action.cancel")}</button>
      </div>
    </form>
  );
}
