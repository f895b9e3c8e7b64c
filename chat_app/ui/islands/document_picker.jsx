// The documents that the conversation's answers are to stand on, chosen at the composer.
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { onAct } from "./acts.js";
import { useDocuments } from "./documents.js";
import { idHere } from "./drafts.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { useModel } from "./model_picker.jsx";
import { usePanel } from "./panel_hook.js";
import { useParameters } from "./parameters_hook.js";
import { isTouch } from "./picking.js";

const MANY = 8;

export function DocumentPicker({ known, isTuned, onPick }) {
  const isNew = !idHere();
  const [model] = useModel(idHere(), known, onPick);
  const { own, set, told } = useParameters(model, isTuned || isNew); // any other has no values, which need not be asked for
  const { isOpen, open, place, root, button, panel, onKeyDown } = usePanel();
  const chosen = Array.isArray(own.documents) ? own.documents : [];
  const isKnown = told || !(isTuned || isNew);
  useEffect(() => onAct((action) => action === "documents" && open(true)), []);
  const toggle = (id) => {
    const next = chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id];
    set({ documents: next.length ? next : undefined });
  };
  const label = chosen.length ? t("documents.chosen", { count: chosen.length }) : t("documents.choose");
  return (
    <div ref={root} className="picker documents-picker" onKeyDown={onKeyDown}>
      <button ref={button} type="button" className="quiet icon-only" aria-label={label} title={label} aria-expanded={isOpen} disabled={!isKnown} data-chosen={chosen.length > 0} onClick={() => open(!isOpen)}>
        <Icon name="book" />{chosen.length > 0 && <span className="figure" aria-hidden="true">{chosen.length}</span>}
      </button>
      {isOpen && (
        <section ref={panel} popover="manual" className="popover documents-list" aria-label={t("documents.choose")}>
          <Choices chosen={chosen} onToggle={toggle} onShown={place} />
        </section>
      )}
    </div>
  );
}

function Choices({ chosen, onToggle, onShown }) {
  const { told, trouble } = useDocuments();
  const [text, setText] = useState("");
  const first = useRef(null);
  useEffect(() => {
    onShown(); // it is larger now
    first.current?.querySelector(isTouch() ? "input[type=checkbox], a" : "input, a")?.focus();
  }, [Boolean(told)]);
  const usable = told?.documents.filter(({ refused }) => !refused) ?? [];
  const all = [...(told?.collections ?? []).map((each) => ({ ...each, isCollection: true })), ...usable];
  const shown = all.filter(({ name, id }) => chosen.includes(id) || name.toLowerCase().includes(text.trim().toLowerCase()));
  const isReady = (id) => usable.some((each) => each.id === id && each.is_indexed);
  const gone = told ? chosen.filter((id) => !all.some((each) => each.id === id)) : [];
  return (
    <div ref={first}>
      <h2>{t("documents.choose")}</h2>
      <p className="muted">{t("documents.choose_about")}</p>
      {all.length > MANY && <input type="text" aria-label={t("documents.find")} placeholder={t("documents.find")} value={text} dir="auto" onChange={({ target }) => setText(target.value)} />}
      {trouble && <p role="alert" className="limit">{trouble}</p>}
      {!told && !trouble && <p role="status" className="muted">{t("documents.looking")}</p>}
      <ul>
        {shown.map(({ id, name, isCollection }) => (
          <li key={id}>
            <label><input type="checkbox" checked={chosen.includes(id)} onChange={() => onToggle(id)} /><span className="name" dir="auto">{name}</span>{isCollection ? <small>{t("documents.collection")}</small> : !isReady(id) && <small>{t("documents.still")}</small>}</label>
          </li>
        ))}
        {gone.map((id) => (
          <li key={id}><label><input type="checkbox" checked onChange={() => onToggle(id)} /><span className="muted">{t("documents.gone")}</span></label></li>
        ))}
      </ul>
      <Link className="link" to="/documents">{t(told && !all.length ? "documents.add_first" : "documents.manage")}</Link>
    </div>
  );
}
