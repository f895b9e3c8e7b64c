// The recipes that a person has deleted: conversations go on with them, and each can be brought back.
import { useEffect, useState } from "react";
import { ask } from "./ask.js";
import { language, t } from "./i18n.js";

/** Read anew whenever the list `of` the others has changed. */
export function DeletedRecipes({ of, onBack }) {
  const [rows, setRows] = useState([]);
  useEffect(() => void (of && ask(`/api/recipes?deleted=1&language=${language}`).then(setRows, () => {})), [of]); // without them the page is whole
  if (!rows.length) return null;
  return (
    <details>
      <summary>{t("recipe.deleted_ones", { count: rows.length })}</summary>
      <p className="help">{t("recipe.deleted_help")}</p>
      <ul className="deleted">
        {rows.map(({ id, content }) => (
          <li key={id} className="row">
            <span className="words" dir="auto">{content.name}</span>
            <button type="button" className="quiet" aria-label={t("recipe.of", { act: t("settings.bring_back"), name: content.name })} onClick={() => onBack(id)}>{t("settings.bring_back")}</button>
          </li>
        ))}
      </ul>
    </details>
  );
}
