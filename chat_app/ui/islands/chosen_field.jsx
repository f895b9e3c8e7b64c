// What is chosen at the composer, shown in the panel, with a way there: there is one control for each.
import { useId } from "react";
import { act } from "./acts.js";
import { t } from "./i18n.js";

/** A sheet makes room first: what is behind it cannot be touched. */
function open(opener) {
  if (!matchMedia("(max-width: 1023px)").matches) return act(opener);
  act("parameters");
  setTimeout(() => act(opener), 0);
}

export function ChosenField({ name, value, note, opener }) {
  const id = useId();
  return (
    <>
      <div className="parameter-head">
        <label htmlFor={id}>{name}</label>
        {note && <span className="source">{note}</span>}
      </div>
      <div className="chosen">
        <input id={id} dir="auto" value={value} readOnly />
        <button type="button" className="button" aria-label={t("parameter.change.of", { value })} onClick={() => open(opener)}>{t("parameter.change")}</button>
      </div>
    </>
  );
}
