// What the answers to a set of prompts are held to.
import { useEffect, useRef, useState } from "react";
import { number, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { useOnce } from "./once.js";
import { changeSet } from "./replays.js";

const KINDS = ["contains", "exact", "regex", "json_schema", "length", "judge"];
const LONG = ["json_schema", "judge"];
const NUMBERS = ["least", "most"];
const MOST = 10;

export function ChecksForm({ set, models, onSaved, onClose }) {
  const [checks, setChecks] = useState(set.checks);
  const begun = useRef(set.checks);
  useEffect(() => {
    if (JSON.stringify(checks) === JSON.stringify(begun.current)) setChecks(set.checks); // nothing was written: what another tab has saved
    begun.current = set.checks;
  }, [set.checks]);
  const [trouble, setTrouble] = useState("");
  const judges = models.filter(({ note_key: key }) => !key);
  const list = useRef(null);
  const wanted = useRef(null); // the check that is to have the focus
  useEffect(() => {
    if (wanted.current !== null) (list.current.children[wanted.current] ?? list.current.parentNode).querySelector("input, textarea, select, button").focus();
    wanted.current = null;
  }, [checks]);
  const drop = (at) => {
    wanted.current = Math.max(0, at - 1);
    setChecks(checks.filter((_, i) => i !== at));
  };
  const add = (kind) => {
    wanted.current = checks.length;
    setChecks([...checks, { kind, value: "", ...(kind === "judge" ? { model: judges[0]?.id ?? "", value: t("checks.rubric") } : {}) }]);
  };
  const change = (at, changes) => setChecks(checks.map((each, i) => (i === at ? { ...each, ...changes } : each)));
  const save = useOnce(async () => {
    setTrouble("");
    try {
      await changeSet(set.id, { checks });
      await onSaved();
      onClose();
    } catch (sentence) {
      setTrouble(String(sentence));
    }
  });
  return (
    <form className="checks" aria-label={t("trials.checks_of", { name: set.name })} onSubmit={(event) => (event.preventDefault(), void save())}>
      <p className="muted">{t("checks.about")}</p>
      <ol ref={list}>
        {checks.map((check, at) => (
          <li key={at}>
            <Check check={check} number={at + 1} judges={judges} onChange={(changes) => change(at, changes)} />
            <button type="button" className="quiet icon-only" aria-label={t("checks.drop", { number: at + 1 })} onClick={() => drop(at)}><Icon name="x" /></button>
          </li>
        ))}
      </ol>
      {checks.length < MOST && (
        <div className="row kinds" role="group" aria-label={t("checks.add")}>
          <span className="muted">{t("checks.add")}</span>
          {KINDS.map((kind) => <button key={kind} type="button" className="tag" onClick={() => add(kind)}><Icon name="plus" size={14} />{t(`checks.${kind}`)}</button>)}
        </div>
      )}
      {trouble && <p role="alert" className="limit">{trouble}</p>}
      <div className="row">
        <button type="submit" className="button primary">{t("action.save")}</button>
        <button type="button" className="button" onClick={onClose}>{t("action.cancel")}</button>
      </div>
    </form>
  );
}

function Check({ check, number: at, judges, onChange }) {
  const { kind, value, model } = check;
  const label = t("checks.of", { number: number(at), kind: t(`checks.${kind}`) });
  const write = ({ target }) => onChange({ value: target.value });
  return (
    <div className="check">
      <span>{t(`checks.${kind}`)}</span>
      {kind === "judge" && (
        <select aria-label={t("checks.judge_model", { number: number(at) })} value={model} onChange={({ target }) => onChange({ model: target.value })}>
          {!judges.some(({ id }) => id === model) && <option value={model}>{model || t("compare.choose_model")}</option>}
          {judges.map(({ id, text }) => <option key={id} value={id}>{text}</option>)}
        </select>
      )}
      {kind === "length" && NUMBERS.map((name) => (
        <label key={name}>{t(`checks.${name}`)} <input type="number" min="0" step="1" value={check[name] ?? ""} onChange={({ target }) => onChange({ [name]: target.value === "" ? undefined : Math.round(Number(target.value)) })} /></label>
      ))}
      {kind !== "length" && (LONG.includes(kind)
        ? <textarea rows={3} dir="auto" aria-label={label} value={value ?? ""} onChange={write} />
        : <input type="text" dir="auto" aria-label={label} value={value ?? ""} placeholder={["contains", "exact"].includes(kind) ? t("checks.expected") : ""} onChange={write} />)}
    </div>
  );
}
