// What a search is narrowed by: of what it is, who said it, by which model, when, and whether it is pinned.
import { t } from "./i18n.js";
import { Picker } from "./picker.jsx";

const DAY_MS = 24 * 3600 * 1000;
const DAYS = { week: 7, month: 30, year: 365 };

export const NO_FILTERS = { kind: "", role: "", model: "", since: "", pinned: false };

const OF_MESSAGES = ["role", "model"];

export const isFiltered = (filters) => Object.values(filters).some(Boolean);

/** A search as the server is asked for it. */
export function queryOf(text, { kind, role, model, since, pinned }) {
  const midnight = new Date().setHours(24, 0, 0, 0); // so that the same search is asked the same all day
  const after = since ? String(midnight - DAYS[since] * DAY_MS) : "";
  return new URLSearchParams(Object.entries({ q: text, kind, role, model, after, pinned: pinned ? "1" : "" }).filter(([, value]) => value)).toString();
}

const named = (pairs) => pairs.map(([id, text]) => ({ id, text }));

export function SearchFilters({ models, filters, onChange }) {
  const set = (name) => (value) => onChange({ ...filters, [name]: value, ...(name === "kind" && value === "document" ? { role: "", model: "", pinned: false } : {}) });
  const choices = {
    kind: named([["", t("search.everything")], ["message", t("search.conversations")], ["document", t("search.documents")]]),
    role: named([["", t("search.anyone")], ["user", t("search.you")], ["assistant", t("search.answers")]]),
    since: named([["", t("search.any_time")], ...Object.keys(DAYS).map((name) => [name, t(`search.${name}`)])]),
    model: named([["", t("search.any_model")], ...models.map(({ id, text }) => [id, text])]),
  };
  return (
    <div className="search-filters" role="group" aria-label={t("search.filters")}>
      {Object.entries(choices).filter(([name]) => filters.kind !== "document" || !OF_MESSAGES.includes(name)).map(([name, items]) => (
        <Picker key={name} className={filters[name] ? "set" : ""} label={t(`search.${name}`)} listLabel={t(`search.${name}`)} kind="listbox" items={items} selected={filters[name]}
          text={`${items.find(({ id }) => id === filters[name])?.text ?? filters[name]} ▾`} onPick={set(name)} />
      ))}
      {filters.kind !== "document" && <label><input type="checkbox" checked={filters.pinned} onChange={(event) => set("pinned")(event.target.checked)} />{t("library.pinned")}</label>}
    </div>
  );
}
