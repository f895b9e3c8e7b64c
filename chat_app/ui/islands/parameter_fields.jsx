// All parameters in their groups, each as far as the model takes it. What few people need is folded away until it says something.
import { useEffect, useState, useSyncExternalStore } from "react";
import { t } from "./i18n.js";
import { keep, recall } from "./kept.js";
import { ParameterField } from "./parameter_field.jsx";
import { found, refusal } from "./parameter_values.js";
import { formOf, isWaiting, onParameters, PERSON } from "./parameters.js";
import { Variables } from "./variables.jsx";

const GROUPS = {
  prompt: ["system_prompt"],
  sampling: ["temperature", "top_p", "top_k", "min_p"],
  length: ["max_tokens", "stop", "seed"],
  repetition: ["presence_penalty", "frequency_penalty", "repetition_penalty"],
  reasoning: ["reasoning_effort", "thinking_budget"],
  output: ["response_format", "extra"],
};
const FOLDED = ["repetition", "reasoning", "output"];
const PLACE = "chat_app.groups"; // which are open, where somebody has said so

function Group({ name, said, isWrong, children }) {
  const [choice, choose] = useState(() => recall(PLACE, (value) => typeof value === "object")?.[name]);
  const isWanted = isWrong || (choice ?? (!FOLDED.includes(name) || said.length > 0));
  const [wasOpen, setOpen] = useState(isWanted); // it does not fold by itself, around a field that is being emptied
  useEffect(() => { if (isWanted) setOpen(true); }, [isWanted]);
  const isOpen = isWanted || wasOpen;
  const toggle = (event) => {
    event.preventDefault();
    if (isWrong) return;
    choose(!isOpen);
    setOpen(!isOpen);
    keep(PLACE, { ...recall(PLACE, (value) => typeof value === "object"), [name]: !isOpen });
  };
  return (
    <details className="group" open={isOpen}>
      <summary onClick={toggle}>{t(`parameters.${name}`)} {!isOpen && said.length > 0 && <span className="source">{said.join(", ")}</span>}</summary>
      <fieldset aria-label={t(`parameters.${name}`)}>{children}</fieldset>
    </details>
  );
}

/** All of them; `id` says whose they are, for what is being written beside them. */
export function Fields({ id, known, refused, onSet }) {
  const { told, layers } = known;
  const effort = found(layers, "reasoning_effort").now?.value;
  const isLate = useSyncExternalStore(onParameters, () => isWaiting(id));
  const specs = Object.fromEntries(told.specs.map((spec) => [spec.name, spec]));
  const groups = Object.entries(GROUPS).map(([group, names]) => (
    <Group key={group} name={group} said={names.filter((name) => (found(layers, name).now?.value ?? null) !== null)} isWrong={names.some((name) => refused[name])}>
      {names.map((name) => (
        <ParameterField
          key={name} spec={specs[name]} layers={layers} refusedFor={refused[name]} onSet={onSet}
          why={refusal(told, name, effort)} model={told.model} place={formOf(id, "schema")}
        />
      ))}
      {group === "prompt" && <Variables key={id} place={formOf(id, "variable")} known={known} refused={refused} isOff={Boolean(refusal(told, "system_prompt", effort))} onSet={onSet} />}
    </Group>
  ));
  return (
    <>
      <p role="status" className="limit late">{isLate && t(id === PERSON ? "parameters.late.person" : "parameters.late")}</p>
      {groups}
    </>
  );
}
