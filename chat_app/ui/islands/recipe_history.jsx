// The history of a recipe: every version with its author, time and note; compared, restored, published, exported.
import { useEffect, useState } from "react";
import { Conflict, Differences } from "./differences.jsx";
import { moment, t } from "./i18n.js";
import { differencesOf, exportOf, move, readRecipes, saveRecipe, versionsOf } from "./recipes.js";

const Act = ({ name, number, onClick }) => (
  <button type="button" className="quiet" aria-label={t("recipe.of", { act: name, name: `v${number}` })} onClick={onClick}>{name}</button>
);

const Which = ({ label, versions, value, onChange }) => (
  <select aria-label={label} value={value} onChange={({ target }) => onChange(Number(target.value))}>
    {versions.map(({ number }) => <option key={number} value={number}>v{number}</option>)}
  </select>
);

export function RecipeHistory({ recipe, onEdit }) {
  const [versions, setVersions] = useState(null);
  const [pair, setPair] = useState(null); // the two that are compared
  const [found, setFound] = useState(null); // what differs between them
  const [said, say] = useState("");
  const [conflict, setConflict] = useState(null);
  const attempt = (work) => work().catch((error) => say(String(error.sentence ?? error)));
  useEffect(() => {
    setPair(null);
    attempt(async () => setVersions(await versionsOf(recipe.id)));
  }, [recipe.id, recipe.newest]);
  const compare = (old, now) => setPair({ old, now });
  useEffect(() => {
    let isOver = false; // another pair is asked for
    setFound(null);
    if (pair) differencesOf(recipe.id, pair.old, pair.now).then((all) => isOver || (setFound(all), say("")), (sentence) => isOver || say(String(sentence)));
    return () => { isOver = true; };
  }, [recipe.id, pair]);
  const restore = (version) => attempt(async () => {
    const { conflict } = await saveRecipe(recipe.id, version.content, t("recipe.restored_note", { number: version.number }), recipe.newest);
    setConflict(conflict ?? null);
    if (conflict) await readRecipes(); // with theirs in view, it can be restored above it
  });
  const publish = (number) => attempt(() => move(recipe.id, { published: number }));
  return (
    <div className="history">
      {conflict && <Conflict {...conflict} />}
      {said && <p role="alert" className="limit">{said}</p>}
      <ol>
        {versions?.map((version, at) => (
          <li key={version.number} aria-label={t("recipe.version", { number: version.number })}>
            <span>
              <b>v{version.number}</b>{recipe.published === version.number && <> · {t("recipe.published")}</>}
              <span className="muted"> {[version.author, version.created_at && moment(version.created_at), version.note].filter(Boolean).join(" · ")}</span>
            </span>
            <span className="row">
              {at + 1 < versions.length && <Act name={t("recipe.compare", { number: versions[at + 1].number })} number={version.number} onClick={() => compare(versions[at + 1].number, version.number)} />}
              {version.number !== recipe.newest && <Act name={t("recipe.compare_newest")} number={version.number} onClick={() => compare(version.number, recipe.newest)} />}
              {!recipe.is_shipped && version.number !== recipe.newest && <Act name={t("recipe.restore")} number={version.number} onClick={() => restore(version)} />}
              {!recipe.is_shipped && recipe.published !== version.number && <Act name={t("recipe.publish")} number={version.number} onClick={() => publish(version.number)} />}
              {recipe.published === version.number && !recipe.is_shipped && <Act name={t("recipe.unpublish")} number={version.number} onClick={() => publish(0)} />}
              {!recipe.is_shipped && <Act name={t("action.edit")} number={version.number} onClick={() => onEdit(version)} />}
              <a className="quiet link" href={exportOf(recipe.id, version.number)} download>{t("recipe.export")}</a>
            </span>
          </li>
        ))}
      </ol>
      {pair && (
        <section aria-label={t("recipe.difference")}>
          <h2 className="row between">
            {t("recipe.between")} <Which label={t("recipe.between.old")} versions={versions} value={pair.old} onChange={(old) => compare(old, pair.now)} />
            → <Which label={t("recipe.between.now")} versions={versions} value={pair.now} onChange={(now) => compare(pair.old, now)} />
          </h2>
          {found && <Differences found={found} old={`v${pair.old}`} now={`v${pair.now}`} />}
        </section>
      )}
    </div>
  );
}
