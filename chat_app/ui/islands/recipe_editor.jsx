// A recipe written or changed: its name, what it says, and a note for the version. What is typed is kept until it is saved.
import { useEffect, useRef, useState } from "react";
import { ask } from "./ask.js";
import { Conflict } from "./differences.jsx";
import { t } from "./i18n.js";
import { forget } from "./kept.js";
import { useKept } from "./kept_hook.js";
import { useOnce } from "./once.js";
import { Fields } from "./parameter_fields.jsx";
import { layersOf } from "./parameter_values.js";
import { formOf, PERSON, read, toldOf } from "./parameters.js";
import { saveRecipe } from "./recipes.js";

const LOOK_MS = 300; // after the last letter of a model's name

/** Where what is typed is kept: each version that is begun from has a place of its own. */
export const placeOf = (id, start) => `chat_app.recipe.${id || "new"}${start ? `.${start}` : ""}`;
const isForm = ({ name, values }) => typeof name === "string" && typeof values === "object" && values !== null;
const EMPTY = { name: "", description: "", values: {}, starting_points: [] };

/** What a model takes, and which ones there are: {told, models}; `fail` is told what stands in the way. */
function useModels(model, fail) {
  const [told, setTold] = useState(() => toldOf(PERSON));
  const [models, setModels] = useState(null);
  useEffect(() => {
    const look = setTimeout(() => read(PERSON, model).then(() => setTold(toldOf(PERSON)), fail), told ? LOOK_MS : 0);
    return () => clearTimeout(look);
  }, [model]);
  useEffect(() => void ask("/api/servers").then(({ servers }) => setModels(servers.flatMap((server) => server.models.map(({ id }) => id))), () => {}), []);
  return { told: told && { ...told, model: told.model?.id === model ? told.model : null }, models };
}

/** One line or more of text, with what is wrong with it beneath. */
function Line({ name, label, rows, trouble, ...more }) {
  const id = `recipe-${name}`;
  const common = { id, dir: "auto", autoComplete: "off", "aria-invalid": Boolean(trouble), "aria-describedby": trouble ? `${id}-wrong` : undefined, ...more };
  return (
    <>
      <label htmlFor={id}>{label}</label>
      {rows ? <textarea rows={rows} {...common} /> : <input {...common} />}
      {trouble && <p id={`${id}-wrong`} role="alert" className="limit">{trouble}</p>}
    </>
  );
}

export function RecipeEditor({ recipe, from = EMPTY, start = "", base = 0, onClose }) {
  const place = placeOf(recipe?.id, start);
  const fresh = { ...from, points: from.starting_points.join("\n"), note: "", base };
  const { typed: form, isBack, write, drop } = useKept(place, fresh, isForm, localStorage);
  const [trouble, setTrouble] = useState(null);
  const [conflict, setConflict] = useState(null);
  const root = useRef(null);
  useEffect(() => { if (trouble?.field) root.current.querySelector("[aria-invalid=true]")?.focus(); }, [trouble]);
  const model = form.values.model ?? "";
  const { told, models } = useModels(model, (sentence) => setTrouble({ sentence: String(sentence) }));
  const change = (changes) => (setTrouble(null), write(changes));
  const setValues = (changes) => change({ values: Object.fromEntries(Object.entries({ ...form.values, ...changes }).filter(([, value]) => value !== undefined)) });
  const close = (typed) => {
    drop();
    ["variable", "schema"].forEach((each) => forget(formOf(place, each), sessionStorage));
    onClose(typed);
  };
  const putAway = () => {
    const isWritten = JSON.stringify(form) !== JSON.stringify(fresh);
    close(isWritten ? form : null);
  };
  const save = useOnce(async () => {
    setTrouble(null);
    const { name, description, values, points, note } = form;
    const content = { name, description, values, starting_points: points.split("\n").filter((point) => point.trim()) };
    try {
      const answer = await saveRecipe(recipe?.id ?? "", content, note, conflict ? conflict.newest.number : (form.base ?? 0));
      if (answer.conflict) setConflict(answer.conflict);
      else close();
    } catch ({ sentence = t("error.error"), field, ...more }) {
      setTrouble({ sentence, field, ...more });
    }
  });
  const line = (name, more) => ({ name, value: form[name], onChange: ({ target }) => change({ [name]: target.value }), trouble: wrong(name), ...more });
  const wrong = (name) => (trouble?.field === name ? trouble.sentence : undefined);
  const isNobodys = model && models && !models.includes(model) && !told?.model;
  const refused = trouble?.field && trouble.reason ? { [trouble.field]: trouble } : {};
  return (
    <form ref={root} className="recipe-editor fields" onSubmit={(event) => (event.preventDefault(), void save())} noValidate aria-label={recipe ? t("recipe.edit", { name: recipe.content.name }) : t("recipe.new")}>
      {isBack && <p role="status" className="help">{t("recipe.draft_back")} <button type="button" className="link" onClick={drop}>{t("recipe.draft_drop")}</button></p>}
      <Line label={t("recipe.name")} {...line("name")} />
      <Line label={t("recipe.description")} {...line("description")} />
      <Line label={t("recipe.points")} rows={3} {...line("points", { trouble: wrong("starting_points") })} />
      <Line label="model" name="model" list="recipe-models" value={model} placeholder={t("recipe.any_model")} onChange={({ target }) => setValues({ model: target.value || undefined })} trouble={wrong("model")} />
      <datalist id="recipe-models">{models?.map((id) => <option key={id} value={id} />)}</datalist>
      {isNobodys && <p role="status" className="help">{t("recipe.no_model", { model })}</p>}
      {told && <Fields id={place} known={{ told, own: form.values, layers: layersOf({ ...told, layers: [{ name: "recipe", values: form.values }] }, form.values) }} refused={refused} onSet={setValues} />}
      <Line label={t("recipe.note")} {...line("note", { maxLength: 500 })} />
      {conflict && <Conflict {...conflict} />}
      {trouble && <p role="alert" className="limit">{trouble.field ? t("recipe.look_at", { field: trouble.field }) : trouble.sentence}</p>}
      <div className="row">
        <button type="submit" className="button primary">{conflict ? t("recipe.save_above", { number: conflict.newest.number }) : t("action.save")}</button>
        <button type="button" className="button" onClick={putAway}>{t("action.cancel")}</button>
      </div>
    </form>
  );
}
