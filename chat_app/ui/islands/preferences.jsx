// Choices that belong to this browser, and the import of a file.
import { ColorModeContext } from "$/utils/context-registry";
import { useContext, useState } from "react";
import { apply, CHOICES, read } from "./appearance.js";
import { t } from "./i18n.js";
import { Radios } from "./radios.jsx";

export function Choice({ name }) {
  const [value, setValue] = useState(() => read(name));
  const { setColorMode } = useContext(ColorModeContext); // Reflex keeps the colours too, and would set its own later
  const choose = (each) => {
    setValue(each);
    if (name === "theme") setColorMode(each);
    apply(name, each);
  };
  return (
    <Radios legend={t(`settings.${name}`)} options={CHOICES[name]} labelOf={(each) => t(`settings.${name}.${each || "system"}`)} value={value} onChange={choose} />
  );
}

/** Why nothing was imported, in the reader's language. */
export function refusalOf({ code, reason, values }) {
  if (!reason) return t(`error.${code}`);
  const place = values.entry ? t(values.title ? "import.entry_titled" : "import.entry", values) : "";
  const sentence = values.why ? t(`value.${values.why}`, values) : "";
  return place + t(`import.${reason}`, { ...values, sentence });
}

/** What was written here, to take along: the conversations as JSON, with their files in an archive, the recipes as TOML. */
export const ExportFiles = () => (
  <p className="row">
    <a className="button" href="/api/export" download>{t("settings.export")}</a>
    <a className="button" href="/api/recipes.toml" download="recipes.toml">{t("settings.export_recipes")}</a>
  </p>
);

const importedOf = ({ added, known, lost }) =>
  [t("settings.imported", { count: added }), known > 0 && t("settings.imported.known", { count: known }), lost > 0 && t("settings.imported.lost", { count: lost })].filter(Boolean).join(" ");

/** Import of a file: posted as it is, checked by the server. */
export function ImportFile() {
  const [said, say] = useState("");
  const [isRefused, setRefused] = useState(false);
  const choose = async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    setRefused(false);
    say(t("settings.importing"));
    try {
      const response = await fetch("/api/import", { method: "POST", body: file });
      const body = await response.json();
      setRefused(!response.ok);
      say(response.ok ? importedOf(body) : refusalOf(body.error));
    } catch {
      setRefused(true);
      say(t("error.offline"));
    }
    event.target.value = "";
  };
  return (
    <div className="import">
      <label className="button">
        {t("settings.import")}
        <input type="file" accept=".json,.zip" className="visually-hidden" onChange={choose} />
      </label>
      <p role={isRefused ? "alert" : "status"}>{said}</p>
    </div>
  );
}
