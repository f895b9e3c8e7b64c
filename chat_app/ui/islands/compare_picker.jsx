// Who answers the next message side by side: two to four models or recipes, chosen at the composer.
import { useEffect, useSyncExternalStore } from "react";
import { onAct } from "./acts.js";
import { ColumnRows, NOBODY } from "./column_rows.jsx";
import { useColumnName } from "./columns.js";
import { draftOf, idHere, onDrafts, write } from "./drafts.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { useModel } from "./model_picker.jsx";
import { usePanel } from "./panel_hook.js";
import { useRecipe } from "./recipe_picker.jsx";

const OTHERS = ["choose-model", "choose-recipe"]; // whose pickers are not there meanwhile

/** Whom the next message is compared between, none where it is asked as usual; and what chooses them. */
function useColumns() {
  const id = useSyncExternalStore(onDrafts, idHere);
  const columns = useSyncExternalStore(onDrafts, () => draftOf(id).columns);
  return [columns, (wanted) => write(id, { ...draftOf(id), columns: wanted })];
}

/** Says over the field who answers, with a way to change that and one out of it. */
export function Compared({ columns, onEnd }) {
  const nameOf = useColumnName();
  if (!columns.length) return null;
  return (
    <div className="chip compared">
      <span className="words" role="status">{t("compare.said", { names: columns.map(nameOf).join(" · ") })}</span>
      <button type="button" onClick={onEnd} aria-label={t("compare.end")} title={t("compare.end")}>✕</button>
    </div>
  );
}

export function ComparePicker({ known, items, isTuned, onPick }) {
  const [columns, choose] = useColumns();
  const [model] = useModel(idHere(), known, onPick);
  const { chosen } = useRecipe({ known, isTuned, onPick });
  const { isOpen, open, close, place, root, button, panel, onKeyDown } = usePanel();
  useEffect(() => {
    if (isOpen) panel.current.querySelector("select").focus();
  }, [isOpen]);
  useEffect(() => onAct((action) => columns.length > 0 && OTHERS.includes(action) && open(true)), [columns]);
  const first = chosen?.id ? { recipe: { id: chosen.id } } : { model };
  const label = columns.length ? t("compare.chosen", { count: columns.length }) : t("compare.open");
  return (
    <div ref={root} className="picker documents-picker compare-picker" onKeyDown={onKeyDown}>
      <button ref={button} type="button" className="quiet icon-only" aria-label={label} title={label} aria-expanded={isOpen} data-chosen={columns.length > 0} onClick={() => open(!isOpen)}>
        <Icon name="columns" />{columns.length > 0 && <span className="figure" aria-hidden="true">{columns.length}</span>}
      </button>
      {isOpen && (
        <section ref={panel} popover="manual" className="popover compare-panel" aria-label={t("compare.open")}>
          <ColumnRows start={columns.length ? columns : [first, NOBODY]} items={items} onChoose={choose} onShown={place} onClose={close} />
        </section>
      )}
    </div>
  );
}
