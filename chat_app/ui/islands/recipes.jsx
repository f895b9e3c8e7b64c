// The page of recipes: those that there are, each with what can be done with it; new ones, and files of them.
import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { t } from "./i18n.js";
import { change, changeOf, ownDefaults, PERSON, read, saved } from "./parameters.js";
import { keep, namesOf } from "./kept.js";
import { refusalOf } from "./preferences.jsx";
import { DeletedRecipes } from "./recipes_deleted.jsx";
import { placeOf, RecipeEditor } from "./recipe_editor.jsx";
import { RecipeHistory } from "./recipe_history.jsx";
import { exportOf, move, readRecipes, saveRecipe, useRecipes, versionsOf } from "./recipes.js";

const isUnsaved = (id) => namesOf(placeOf(id, "")).length > 0;

function Row({ recipe, isUsual, isOpen, onOpen, onEdit, onDuplicate, onMove, onUse, onUsual }) {
  const { id, content, number, newest, published, is_mine: isMine, is_shared: isShared, is_shipped: comes } = recipe;
  const facts = [`v${number}`, published === null ? t("recipe.draft") : newest > number && t("recipe.newer", { newest }), comes ? t("recipe.comes_along") : isShared && t("recipe.shared"), isUsual && t("recipe.usual"), isUnsaved(id) && t("recipe.unsaved")];
  const button = (key, onClick) => <button type="button" className="quiet" aria-label={t("recipe.of", { act: t(key), name: content.name })} onClick={onClick}>{t(key)}</button>;
  return (
    <li aria-label={content.name}>
      <div className="recipe">
        <span><b className="words" dir="auto">{content.name}</b> <span className="muted">{facts.filter(Boolean).join(" · ")}</span></span>
        {content.description && <span className="muted words" dir="auto">{content.description}</span>}
        <span className="row">
          {button("recipe.use", onUse)}
          {!comes && button("action.edit", () => onEdit(recipe))}
          {button("recipe.history", onOpen)}
          {button("recipe.duplicate", () => onDuplicate(recipe))}
          {button(isUsual ? "recipe.not_usual" : "recipe.make_usual", onUsual)}
          {isMine && button(isShared ? "recipe.unshare" : "recipe.share", () => onMove(id, { shared: !isShared }))}
          <a className="quiet link" href={exportOf(id)} download aria-label={t("recipe.of", { act: t("recipe.export"), name: content.name })}>{t("recipe.export")}</a>
          {isMine && button("recipe.delete", () => onMove(id, { deleted: true }))}
        </span>
      </div>
      {isOpen && <RecipeHistory recipe={recipe} onEdit={(version) => onEdit(recipe, version)} />}
    </li>
  );
}

export function Recipes() {
  const recipes = useRecipes();
  const navigate = useNavigate();
  const [open, setOpen] = useState("");
  const [editing, edit] = useState(null); // {recipe, from}
  const [said, say] = useState({ text: "", isTrouble: false });
  const [gone, setGone] = useState(null); // what was deleted or put away last: {sentence, onUndo}
  const [usual, setUsual] = useState("");
  const attempt = (work) => work().then(() => say({ text: "" }), (error) => say({ text: String(error.sentence ?? error), isTrouble: true }));
  useEffect(() => void read(PERSON, "").then(() => setUsual(ownDefaults().recipe?.id ?? ""), () => {}), []);
  const moveOne = (id, changes) => attempt(async () => {
    await move(id, changes);
    if (changes.deleted) setGone({ id, sentence: t("recipe.deleted"), onUndo: () => moveOne(id, { deleted: false }) });
    else setGone((before) => (before?.id === id ? null : before));
  });
  /** What was typed comes back with one press. */
  const close = (typed) => {
    const back = () => {
      keep(placeOf(editing.recipe?.id, editing.start), typed);
      setGone(null);
      edit(editing);
    };
    setGone(typed ? { sentence: t("recipe.put_away"), onUndo: back } : null);
    edit(null);
  };
  const makeUsual = (id) => attempt(async () => {
    change(PERSON, { recipe: id === usual ? undefined : { id } });
    await saved(PERSON);
    if ("recipe" in changeOf(PERSON).set) throw t("error.offline");
    setUsual(id === usual ? "" : id);
  });
  const take = async ({ target }) => {
    const [file] = target.files;
    target.value = "";
    if (!file) return;
    try {
      const response = await fetch("/api/recipes/import", { method: "POST", body: file, headers: { "content-type": "application/toml" } });
      const body = await response.json();
      say(response.ok ? { text: t("recipe.imported", { count: body.added }) } : { text: refusalOf(body.error), isTrouble: true });
      await readRecipes();
    } catch {
      say({ text: t("error.offline"), isTrouble: true });
    }
  };
  const use = ({ id, content }) => {
    change("", { recipe: { id }, ...(content.values.model ? { model: undefined } : {}) });
    navigate("/new");
  };
  const duplicate = ({ content }) => attempt(() => saveRecipe("", { ...content, name: t("recipe.copy_of", { name: content.name }) }, "", 0));
  /** From the newest version, whichever is published, or from the one that was chosen. */
  const editOne = (recipe, version) => attempt(async () => {
    const [newest] = await versionsOf(recipe.id);
    const from = version ?? newest;
    edit({ recipe, from: from.content, start: from.number === newest.number ? "" : `v${from.number}`, base: newest.number });
  });
  if (editing) return <RecipeEditor key={editing.recipe?.id ?? "new"} {...editing} onClose={close} />;
  return (
    <section className="recipes" aria-busy={recipes ? undefined : "true"}>
      <div className="row">
        <button type="button" className="button primary" onClick={() => edit({})}>{t("recipe.new")}</button>
        {isUnsaved("") && <span className="muted">{t("recipe.unsaved")}</span>}
        <label className="button">{t("recipe.import")}<input type="file" accept=".toml,application/toml" className="visually-hidden" onChange={take} /></label>
        <a className="button" href="/api/recipes.toml" download="recipes.toml">{t("recipe.export_all")}</a>
      </div>
      <p role={said.isTrouble ? "alert" : "status"} className={said.isTrouble ? "limit" : undefined}>{said.text}</p>
      {gone && <p role="status">{gone.sentence} <button type="button" className="link" onClick={gone.onUndo}>{t("action.undo")}</button></p>}
      <ul>
        {recipes?.map((recipe) => (
          <Row
            key={recipe.id} recipe={recipe} isUsual={usual === recipe.id} isOpen={open === recipe.id} onOpen={() => setOpen(open === recipe.id ? "" : recipe.id)}
            onEdit={editOne} onDuplicate={duplicate}
            onMove={moveOne} onUse={() => use(recipe)} onUsual={() => makeUsual(recipe.id)}
          />
        ))}
      </ul>
      <DeletedRecipes of={recipes} onBack={(id) => moveOne(id, { deleted: false })} />
    </section>
  );
}
