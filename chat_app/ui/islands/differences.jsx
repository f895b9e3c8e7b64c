// What differs between two versions of a recipe: field by field, and texts line by line.
import { t } from "./i18n.js";

const SIGNS = { same: " ", old: "−", new: "+" };

export function Differences({ found, old, now }) {
  if (!found.length) return <p className="help">{t("recipe.same")}</p>;
  return (
    <table className="differences">
      <thead><tr><th scope="col">{t("recipe.field")}</th><th scope="col">{old}</th><th scope="col">{now}</th></tr></thead>
      <tbody>
        {found.map(({ field, old: before, new: after, lines }) => (
          <tr key={field}>
            <th scope="row">{field}</th>
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
