// The variables of a system prompt: those that are always there, and own ones, each with its value and where it comes from.
import { useId } from "react";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { hasTexts, useKept } from "./kept_hook.js";
import { Beneath, sentenceOf } from "./parameter_field.jsx";
import { found, textOf } from "./parameter_values.js";

const START = "variables.";
const isForm = hasTexts("name");

function Variable({ name, layers, refusedFor, isOff, onSet }) {
  const id = useId();
  const { now, below, isOwn } = found(layers, START + name);
  const back = isOwn && (below ? t("parameter.reset", { name }) : t("variables.remove", { name }));
  return (
    <div className="variable">
      <div className="parameter-head">
        <label htmlFor={id}>{`{{${name}}}`}</label>
        <span className="source">{t(`parameter.from.${now.source}`)}</span>
        {isOwn && (
          <button type="button" className="quiet icon-only" aria-label={back} title={back} onClick={() => onSet({ [START + name]: undefined })}>
            <Icon name={below ? "undo" : "x"} size={14} />
          </button>
        )}
      </div>
      <input id={id} dir="auto" value={textOf("text", now.value)} onChange={({ target }) => onSet({ [START + name]: target.value })} disabled={isOff} aria-invalid={Boolean(refusedFor)} autoComplete="off" />
      <Beneath spec={{ name: START + name, kind: "text" }} layers={layers} />
      {refusedFor && <p className="limit" role="alert">{sentenceOf(refusedFor)}</p>}
    </div>
  );
}

/** `isOff` says that the model takes no system prompt; in `place` lies the name that is being written. */
export function Variables({ known: { told, layers }, refused, isOff, place, onSet }) {
  const { typed, isBack, write, drop } = useKept(place, { name: "" }, isForm);
  const names = [...new Set(layers.flatMap(({ values }) => Object.keys(values)).filter((key) => key.startsWith(START)))].map((key) => key.slice(START.length));
  const unknown = refused.system_prompt?.reason === "variable" ? refused.system_prompt.values.name : "";
  const { now: prompt } = found(layers, "system_prompt");
  const name = typed.name.trim();
  const add = (wanted) => {
    if (!wanted) return;
    onSet({ [START + wanted]: "", ...(unknown ? { system_prompt: prompt.value } : {}) }); // the prompt is looked at again
    if (wanted === name) drop();
  };
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    add(name);
  };
  return (
    <details className="variables" open={names.length > 0 || Boolean(unknown) || isBack}>
      <summary>{t("variables.title")}</summary>
      <p className="help">{t("variables.help", { given: told.given.map((each) => `{{${each}}}`).join(", ") })}</p>
      {names.map((each) => <Variable key={each} name={each} layers={layers} refusedFor={refused[START + each]} isOff={isOff} onSet={onSet} />)}
      {unknown && <button type="button" className="button" onClick={() => add(unknown)}>{t("variables.add", { name: unknown })}</button>}
      <div className="row new-variable">
        <input aria-label={t("variables.new")} placeholder={t("variables.new")} value={typed.name} onChange={({ target }) => write({ name: target.value })} onKeyDown={onKeyDown} disabled={isOff} autoComplete="off" spellCheck={false} />
        <button type="button" className="button" disabled={!name || isOff} onClick={() => add(name)}>{t("variables.add_one")}</button>
      </div>
    </details>
  );
}
