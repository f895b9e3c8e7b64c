// The rows of the form that says who is compared: in each a model or a recipe, and of that a version.
import { useEffect, useRef, useState } from "react";
import { LEAST, MOST } from "./column.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { recipeOf, useRecipes, versionsOf } from "./recipes.js";

export const NOBODY = {};
export const isSomebody = ({ model, recipe }) => Boolean(model || recipe);

/** What is chosen counts once there are two. */
export function ColumnRows({ start, items, onChoose, onShown, onClose }) {
  const [rows, setRows] = useState(start);
  const [before] = useState(start);
  const list = useRef(null);
  const wanted = useRef(null); // the row that is to have the focus
  const recipes = useRecipes();
  useEffect(onShown, [rows, recipes]); // it is larger now
  useEffect(() => {
    if (wanted.current !== null) list.current.children[wanted.current]?.querySelector("select").focus();
    wanted.current = null;
  }, [rows]);
  const change = (next) => {
    setRows(next);
    const chosen = next.filter(isSomebody);
    onChoose(chosen.length >= LEAST ? chosen : []);
  };
  const add = () => {
    wanted.current = rows.length;
    setRows([...rows, NOBODY]);
  };
  const drop = (at) => {
    wanted.current = Math.max(0, at - 1);
    change(rows.filter((_, i) => i !== at));
  };
  const isOne = rows.filter(isSomebody).length < LEAST;
  return (
    <>
      <h2>{t("compare.open")}</h2>
      <p className="muted">{t("compare.about")}</p>
      <ol ref={list}>
        {rows.map((row, at) => (
          <li key={at}>
            <Who label={t("compare.who", { number: at + 1 })} row={row} items={items} recipes={recipes ?? []} onChange={(next) => change(rows.map((each, i) => (i === at ? next : each)))} />
            {rows.length > LEAST && (
              <button type="button" className="quiet icon-only" aria-label={t("compare.drop", { number: at + 1 })} onClick={() => drop(at)}><Icon name="x" /></button>
            )}
          </li>
        ))}
      </ol>
      {isOne && <p className="muted" role="status">{t("compare.least")}</p>}
      <div className="row">
        {rows.length < MOST && <button type="button" className="button" onClick={add}>{t("compare.add")}</button>}
        <span className="grow" />
        {!isOne && <button type="button" className="button" onClick={() => (onChoose([]), onClose())}>{t("compare.end")}</button>}
        {isOne && <button type="button" className="button" onClick={() => (change(before), onClose())}>{t("action.cancel")}</button>}
        <button type="button" className="button primary" disabled={isOne} onClick={onClose}>{t("action.done")}</button>
      </div>
    </>
  );
}

/** Whom a row means: a model, or a recipe with one of its versions; `NOBODY` is none yet. */
export function Who({ label, row, items, recipes, onChange }) {
  const value = row.recipe ? `recipe:${row.recipe.id}` : row.model ? `model:${row.model}` : "";
  const pick = ({ target }) => {
    const [, kind, id] = /^(\w+):(.*)$/s.exec(target.value) ?? [];
    onChange(kind === "recipe" ? { recipe: { id } } : kind === "model" ? { model: id } : NOBODY);
  };
  const isGone = row.recipe ? !recipeOf(recipes, row.recipe) : row.model && !items.some(({ id }) => id === row.model);
  return (
    <>
      <select aria-label={label} value={value} onChange={pick}>
        <option value="">{t("compare.choose")}</option>
        {isGone && <option value={value}>{row.model ?? t("recipe.gone")}</option>}
        <optgroup label={t("model.list")}>{items.map(({ id, text }) => <option key={id} value={`model:${id}`}>{text}</option>)}</optgroup>
        {recipes.length > 0 && <optgroup label={t("recipe.list")}>{recipes.map(({ id, content }) => <option key={id} value={`recipe:${id}`}>{content.name}</option>)}</optgroup>}
      </select>
      {row.recipe && !isGone && <Version key={row.recipe.id} label={t("compare.version", { name: recipeOf(recipes, row.recipe).content.name })} recipe={row.recipe} onChange={(recipe) => onChange({ ...row, recipe })} />}
    </>
  );
}

/** Of a recipe that has several, the one that counts, or another. */
function Version({ label, recipe: { id, version }, onChange }) {
  const [numbers, setNumbers] = useState([]);
  useEffect(() => void versionsOf(id).then((all) => setNumbers(all.map(({ number }) => number)), () => null), [id]); // without them it is the one that counts
  if (numbers.length < 2) return null;
  return (
    <select aria-label={label} value={version ?? ""} onChange={({ target }) => onChange(target.value ? { id, version: Number(target.value) } : { id })}>
      <option value="">{t("compare.current")}</option>
      {numbers.map((number) => <option key={number} value={number}>v{number}</option>)}
    </select>
  );
}
