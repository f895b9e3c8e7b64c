// What is chosen at the composer, shown in the panel, with a way there: there is one control for each.
import { useId } from "react";
import { act } from "./acts.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";

/** A sheet makes room first: what is behind it cannot be touched. */
function open(opener) {
  if (!matchMedia("(max-width: 1023px)").matches) return act(opener);
  act("parameters");
  setTimeout(() => act(opener), 0);
}

export function ChosenField({ name, value, note, opener, onReset }) {
  const id = useId();
  return (
    <>
      <div className="parameter-head">
        <label htmlFor={id}>{name}</label>
        {note && <span className="source">{note}</span>}
        {onReset && (
          <button type="button" className="quiet icon-only" aria-label={t("parameter.reset", { name })} title={t("parameter.reset", { name })} onClick={onReset}>
            <Icon name="undo" size={14} />
          </button>
        )}
      </div>
      <div className="chosen">
        <input id={id} dir="auto" value={value} readOnly />
        <button type="button" className="button" aria-label={t("parameter.change.of", { value })} onClick={() => open(opener)}>{t("parameter.change")}</button>
      </div>
    </>
  );
}
