// A person's own defaults, which lie below whatever a conversation says.
import { useEffect, useSyncExternalStore } from "react";
import { t } from "./i18n.js";
import { Fields } from "./parameter_fields.jsx";
import { layersOf, ownOf } from "./parameter_values.js";
import { change, changeOf, onParameters, PERSON, read, refusedOf, toldOf } from "./parameters.js";

export function MyDefaults() {
  const pending = useSyncExternalStore(onParameters, () => changeOf(PERSON));
  const told = useSyncExternalStore(onParameters, () => toldOf(PERSON));
  const refused = useSyncExternalStore(onParameters, () => refusedOf(PERSON));
  useEffect(() => void read(PERSON, "").catch(() => {}), []);
  const own = ownOf(told, pending);
  return (
    <details role="group" aria-label={t("settings.defaults")} className="defaults fields">
      <summary>{t("settings.defaults.count", { count: Object.keys(own).length })}</summary>
      {told && <div className="panel-body"><Fields known={{ told, own, layers: layersOf(told, own) }} refused={refused} onSet={(values) => change(PERSON, values)} /></div>}
    </details>
  );
}
