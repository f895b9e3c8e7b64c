// All parameters in their groups, each as far as the model takes it.
import { t } from "./i18n.js";
import { ParameterField } from "./parameter_field.jsx";
import { found, refusal } from "./parameter_values.js";
import { Variables } from "./variables.jsx";

const GROUPS = {
  prompt: ["system_prompt"],
  sampling: ["temperature", "top_p", "top_k", "min_p"],
  length: ["max_tokens", "stop", "seed"],
  repetition: ["presence_penalty", "frequency_penalty", "repetition_penalty"],
  reasoning: ["reasoning_effort", "thinking_budget"],
  output: ["response_format", "extra"],
};

export function Fields({ known, refused, onSet }) {
  const { told, layers } = known;
  const effort = found(layers, "reasoning_effort").now?.value;
  const specs = Object.fromEntries(told.specs.map((spec) => [spec.name, spec]));
  return Object.entries(GROUPS).map(([group, names]) => (
    <fieldset key={group}>
      <legend>{t(`parameters.${group}`)}</legend>
      {names.map((name) => (
        <ParameterField
          key={name} spec={specs[name]} layers={layers} refusedFor={refused[name]} onSet={onSet}
          why={refusal(told, name, effort)} server={told.model?.server} most={told.model?.output_tokens} differing={told.model?.deployment[name]} refuses={told.model?.refuses}
        />
      ))}
      {group === "prompt" && <Variables known={known} refused={refused} onSet={onSet} />}
    </fieldset>
  ));
}
