// The history of a recipe: every version with its author, time and note; compared, restored, published, exported.
import { useEffect, useState } from "react";
import { Differences } from "./differences.jsx";
import { moment, t } from "./i18n.js";
import { differencesOf, exportOf, move, saveRecipe, versionsOf } from "./recipes.js";

export function RecipeHistory({ recipe, onEdit }) {
  const [versions, setVersions] = useState(null);
  const [pair, setPair] = useState(null); // the two that are compared, with what differs
  const [said, say] = useState("");
  const attempt = (work) => work().catch((error) => say(String(error.sentence ?? error)));
  useEffect(() => {
    setPair(null);
    attempt(async () => setVersions(await versionsOf(recipe.id)));
  }, [recipe.id, recipe.newest]);
  const compare = (old, now) => attempt(async () => setPair({ old, now, found: await differencesOf(recipe.id, old, now) }));
  const restore = (version) => attempt(async () => {
    const { conflict } = await saveRecipe(recipe.id, version.content, t("recipe.restored_note", { number: version.number }), recipe.newest);
    say(conflict ? t("error.saved_meanwhile") : "");
  });
  const publish = (number) => attempt(() => move(recipe.id, { published: number }));
  return (
    <div className="history">
      {said && <p role="alert" className="limit">{said}</p>}
      <ol>
        {versions?.map((version, at) => (
          <li key={version.number} aria-label={t("recipe.version", { number: version.number })}>
            <span>
              <b>v{version.number}</b>{recipe.published === version.number && <> · {t("recipe.published")}</>}
              <span className="muted"> {[version.author, version.created_at && moment(version.created_at), version.note].filter(Boolean).join(" · ")}</span>
            </span>
            <span className="row">
              {at + 1 < versions.length && <button type="button" className="quiet" onClick={() => compare(versions[at + 1].number, version.number)}>{t("recipe.compare", { number: versions[at + 1].number })}</button>}
              {version.number !== recipe.newest && <button type="button" className="quiet" onClick={() => compare(version.number, recipe.newest)}>{t("recipe.compare_newest")}</button>}
              {!recipe.is_shipped && version.number !== recipe.newest && <button type="button" className="quiet" onClick={() => restore(version)}>{t("recipe.restore")}</button>}
              {!recipe.is_shipped && recipe.published !== version.number && <button type="button" className="quiet" onClick={() => publish(version.number)}>{t("recipe.publish")}</button>}
              {recipe.published === version.number && !recipe.is_shipped && <button type="button" className="quiet" onClick={() => publish(0)}>{t("recipe.unpublish")}</button>}
              {!recipe.is_shipped && <button type="button" className="quiet" onClick={() => onEdit(version)}>{t("action.edit")}</button>}
              <a className="quiet link" href={exportOf(recipe.id, version.number)} download>{t("recipe.export")}</a>
            </span>
          </li>
        ))}
      </ol>
      {pair && (
        <section aria-label={t("recipe.difference")}>
          <h3>{t("recipe.between", { old: pair.old, now: pair.now })}</h3>
          <Differences found={pair.found} old={`v${pair.old}`} now={`v${pair.now}`} />
        </section>
      )}
    </div>
  );
}
