// The variables of a system prompt: those that are always there, and own ones, each with its value.
import { useId, useState } from "react";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { sentenceOf } from "./parameter_field.jsx";
import { found, textOf } from "./parameter_values.js";

const START = "variables.";

function Variable({ name, layers, refusedFor, onSet }) {
  const id = useId();
  const { now, isOwn } = found(layers, START + name);
  return (
    <div className="variable">
      <label htmlFor={id}>{`{{${name}}}`}</label>
      <input id={id} dir="auto" value={textOf("text", now?.value)} onChange={({ target }) => onSet({ [START + name]: target.value })} autoComplete="off" />
      {isOwn && (
        <button type="button" className="quiet icon-only" aria-label={t("variables.remove", { name })} title={t("variables.remove", { name })} onClick={() => onSet({ [START + name]: undefined })}>
          <Icon name="x" size={14} />
        </button>
      )}
      {refusedFor && <p className="limit" role="alert">{sentenceOf(refusedFor)}</p>}
    </div>
  );
}

export function Variables({ known: { told, layers }, refused, onSet }) {
  const [name, setName] = useState("");
  const names = [...new Set(layers.flatMap(({ values }) => Object.keys(values)).filter((key) => key.startsWith(START)))].map((key) => key.slice(START.length));
  const unknown = refused.system_prompt?.reason === "variable" ? refused.system_prompt.values.name : "";
  const { now: prompt } = found(layers, "system_prompt");
  const add = (wanted) => {
    if (!wanted) return;
    onSet({ [START + wanted]: "", ...(unknown ? { system_prompt: prompt.value } : {}) }); // the prompt is looked at again
    setName("");
  };
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    add(name.trim());
  };
  return (
    <details className="variables" open={names.length > 0 || Boolean(unknown)}>
      <summary>{t("variables.title")}</summary>
      <p className="help">{t("variables.help", { given: told.given.map((each) => `{{${each}}}`).join(", ") })}</p>
      {names.map((each) => <Variable key={each} name={each} layers={layers} refusedFor={refused[START + each]} onSet={onSet} />)}
      {unknown && <button type="button" className="button" onClick={() => add(unknown)}>{t("variables.add", { name: unknown })}</button>}
      <div className="variable">
        <input aria-label={t("variables.new")} placeholder={t("variables.new")} value={name} onChange={({ target }) => setName(target.value)} onKeyDown={onKeyDown} autoComplete="off" spellCheck={false} />
        <button type="button" className="button" disabled={!name.trim()} onClick={() => add(name.trim())}>{t("variables.add_one")}</button>
      </div>
    </details>
  );
}
