// What differs between two versions of a recipe: field by field, and texts line by line.
import { t } from "./i18n.js";

const LABELS = { name: "recipe.name", description: "recipe.description", starting_points: "recipe.points" }; // all others are parameters
const SIGNS = { same: " ", old: "−", new: "+" };

export function Differences({ found, old, now }) {
  if (!found.length) return <p className="help">{t("recipe.same")}</p>;
  return (
    <table className="differences">
      <thead><tr><th scope="col">{t("recipe.field")}</th><th scope="col">{old}</th><th scope="col">{now}</th></tr></thead>
      <tbody>
        {found.map(({ field, old: before, new: after, lines }) => (
          <tr key={field}>
            <th scope="row">{LABELS[field] ? t(LABELS[field]) : field}</th>
            {lines.length ? (
              <td colSpan={2}>
                {lines.map(([op, line], at) => (
                  <div key={at} className="line" data-op={op}><span aria-label={op === "same" ? undefined : t(`recipe.${op}`)}>{SIGNS[op]}</span> {line}</div>
                ))}
              </td>
            ) : (
              <>
                <td data-op="old">{before ?? "—"}</td>
                <td data-op="new">{after ?? "—"}</td>
              </>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Somebody else was quicker: what their newest version says otherwise than what is being saved. */
export const Conflict = ({ newest: { author, number }, differences }) => (
  <div role="alert">
    <p className="limit">{t("error.saved_meanwhile")} {t("recipe.conflict", { author: author || t("recipe.somebody"), number })}</p>
    <Differences found={differences} old={`v${number}`} now={t("recipe.yours")} />
  </div>
);
