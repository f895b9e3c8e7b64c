// The form of an answer: text, any JSON, or the JSON of a schema that is written here.
import { useId } from "react";
import { t } from "./i18n.js";
import { keep, recall } from "./kept.js";
import { textOf } from "./parameter_values.js";
import { Typed } from "./typed.jsx";

const EXAMPLE = '{\n  "type": "object",\n  "properties": {"answer": {"type": "string"}},\n  "required": ["answer"],\n  "additionalProperties": false\n}';

const isWritten = ({ name }) => typeof name === "string"; // a schema may be of any kind as long as it is being written

/** In `place` lies the schema while another form is looked at. */
export function FormatControl({ spec, id, value, refused, place, onValue, ...more }) {
  const field = useId();
  const kind = value?.type ?? "";
  const wanted = value?.json_schema ?? {};
  const choose = ({ target }) => {
    if (value?.json_schema) keep(place, value.json_schema, sessionStorage);
    const schema = () => recall(place, isWritten, sessionStorage) ?? { name: "answer", schema: EXAMPLE };
    if (!target.value) onValue(undefined);
    else onValue(target.value === "json_schema" ? { type: "json_schema", json_schema: schema() } : { type: target.value });
  };
  const write = (changes) => onValue({ type: "json_schema", json_schema: { ...wanted, ...changes } });
  return (
    <>
      <select id={id} value={kind} onChange={choose} {...more}>
        <option value="">{t("parameter.not_sent")}</option>
        {spec.choices.map((each) => <option key={each} value={each} disabled={refused.includes(each) && each !== kind}>{t(`parameter.format.${each}`)}</option>)}
      </select>
      {kind === "json_schema" && (
        <>
          <label htmlFor={`${field}-name`} className="help">{t("parameter.schema_name")}</label>
          <Typed id={`${field}-name`} text={wanted.name ?? ""} onText={(name) => write({ name })} spellCheck={false} disabled={more.disabled} />
          <label htmlFor={`${field}-schema`} className="help">{t("parameter.schema")}</label>
          <Typed id={`${field}-schema`} className="code-field" rows={9} text={textOf("object", wanted.schema)} onText={(schema) => write({ schema })} spellCheck={false} disabled={more.disabled} aria-invalid={more["aria-invalid"]} />
        </>
      )}
    </>
  );
}
