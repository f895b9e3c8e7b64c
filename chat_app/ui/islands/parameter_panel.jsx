// The panel beside the conversation: what the next answer is asked with, and where each of it comes from.
import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import { onAct } from "./acts.js";
import { idHere } from "./drafts.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { LastRequest } from "./last_request.jsx";
import { ModelField } from "./model_field.jsx";
import { useModel } from "./model_picker.jsx";
import { Fields } from "./parameter_fields.jsx";
import { change, changeOf, giveUp, PERSON, read, saved } from "./parameters.js";
import { useRecipe } from "./recipe_picker.jsx";
import { RecipeField } from "./recipe_save.jsx";
import { useParameters } from "./parameters_hook.js";

const OPEN = "chat_app.panel";
const isNarrow = () => matchMedia("(max-width: 1023px)").matches;

const listeners = new Set();
let isShown = Boolean(globalThis.matchMedia) && !isNarrow() && localStorage.getItem(OPEN) === "1";

function show(isWanted) {
  isShown = isWanted;
  if (!isNarrow()) localStorage.setItem(OPEN, isWanted ? "1" : "0");
  listeners.forEach((call) => call());
}

const useOpen = () =>
  useSyncExternalStore((call) => {
    listeners.add(call);
    return () => listeners.delete(call);
  }, () => isShown);

export const ParametersButton = ({ isTuned }) => (
  <button type="button" className="icon" aria-label={t("parameters.title")} title={t("parameters.title")} aria-expanded={useOpen()} data-tuned={isTuned} data-opens-parameters onClick={() => show(!isShown)}>
    <Icon name="sliders" />
  </button>
);

/** What the conversation says becomes what every other one begins with; here it says nothing of its own any more. */
function MakeDefaults({ id, own, refused, model }) {
  const [left, setLeft] = useState([]);
  const make = async () => {
    const good = Object.fromEntries(Object.entries(own).filter(([name]) => !(name in refused) && !["recipe", "documents"].includes(name)));
    change(PERSON, good);
    await saved(PERSON);
    const waiting = Object.keys(good).filter((name) => name in changeOf(PERSON).set); // what was not taken stays here
    giveUp(PERSON, waiting);
    setLeft(waiting);
    change(id, Object.fromEntries(Object.keys(good).filter((name) => !waiting.includes(name)).map((name) => [name, undefined])));
    await saved(id);
    await read(id, model).catch(() => {});
  };
  return (
    <div>
      <button type="button" className="button" onClick={make}>{t("parameters.make_default")}</button>
      {left.length > 0 && <p className="limit" role="alert">{t("parameters.not_default", { names: left.join(", ") })}</p>}
    </div>
  );
}

export function ParameterPanel({ model: known, messages, running, onPick }) {
  const isOpen = useOpen();
  const close = () => show(false);
  const panel = useRef(null);
  const [model, , showModel] = useModel(idHere(), known, onPick);
  const { recipe, chosen, name, choose } = useRecipe({ known, isTuned: isOpen, onPick });
  const { id, known: parameters, refused, set } = useParameters(model, isOpen, `${messages.at(-1)?.id} ${running.length}`); // read anew when an answer has ended
  useLayoutEffect(() => onAct((action) => action === "parameters" && show(!isShown)), []);
  useLayoutEffect(() => {
    document.body.toggleAttribute("data-parameters", isOpen);
    return () => document.body.removeAttribute("data-parameters");
  }, [isOpen]);
  useEffect(() => {
    if (!isOpen || !isNarrow()) return undefined;
    const behind = document.querySelectorAll("main, .sidebar");
    behind.forEach((each) => { each.inert = true; });
    panel.current.focus();
    return () => {
      behind.forEach((each) => { each.inert = false; });
      document.querySelector("[data-opens-parameters]")?.focus();
    };
  }, [isOpen]);
  if (!isOpen) return null;
  const onKeyDown = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !isNarrow()) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  return (
    <>
      <div className="panel-scrim" onClick={close} />
      <aside ref={panel} className="panel fields" aria-label={t("parameters.title")} tabIndex={-1} onKeyDown={onKeyDown}>
        <header>
          <h2>{t("parameters.title")}</h2>
          <button type="button" className="icon" aria-label={t("action.close")} title={t("action.close")} onClick={close}><Icon name="x" /></button>
        </header>
        <div className="panel-body">
          {parameters && <RecipeField key={`${id} ${chosen?.id ?? ""}`} id={id} known={parameters} model={model} chosen={chosen} name={name} choose={choose} />}
          <ModelField id={id} model={model} recipe={recipe} known={parameters} onShow={showModel} />
          {parameters ? <Fields id={id} known={parameters} refused={refused} onSet={set} /> : <div className="panel-wait" />}
          {parameters && Object.keys(parameters.own).length > 0 && <MakeDefaults id={id} own={parameters.own} refused={refused} model={model} />}
          {parameters?.told.last && <LastRequest last={parameters.told.last} />}
        </div>
      </aside>
    </>
  );
}
