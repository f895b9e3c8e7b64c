// One parameter: its name, where its value comes from, a way back, and the control that its kind has.
import { useId } from "react";
import { FormatControl } from "./format_control.jsx";
import { number, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { found, saying, textOf, valueOf } from "./parameter_values.js";
import { Typed } from "./typed.jsx";

function Written({ spec, value, onValue, ...more }) {
  const isNumber = spec.kind === "number" || spec.kind === "integer";
  return (
    <Typed
      text={textOf(spec.kind, value)} onText={(text) => onValue(valueOf(spec.kind, text))} spellCheck={spec.kind === "text"}
      inputMode={isNumber ? "decimal" : undefined} placeholder={isNumber ? "—" : undefined} {...more}
    />
  );
}

/** A slider for the hand, and a field for a value that is known. */
function Range({ spec, id, value, onValue, ...more }) {
  const shown = typeof value === "number" ? value : spec.usual;
  return (
    <div className="range">
      <input
        type="range" id={id} min={spec.above ? spec.step : (spec.low ?? 0)} max={spec.high} step={spec.step} value={shown} data-unset={typeof value !== "number"}
        aria-valuetext={typeof value === "number" ? number(value) : t("parameter.not_sent")} onChange={({ target }) => onValue(Number(target.value))} {...more}
      />
      <Written spec={spec} value={value} onValue={onValue} aria-label={t("parameter.exact", { name: spec.name })} {...more} />
    </div>
  );
}

function Choice({ spec, id, value, refused, onValue, ...more }) {
  return (
    <select id={id} value={value ?? ""} onChange={({ target }) => onValue(target.value || undefined)} {...more}>
      <option value="">{t("parameter.not_sent")}</option>
      {spec.choices.map((each) => <option key={each} disabled={refused.includes(each) && each !== value}>{each}</option>)}
    </select>
  );
}

const ROWS = { text: 5, strings: 2, object: 3 };

function Control({ refused, place, ...props }) {
  const { spec } = props;
  if (spec.kind === "choice") return <Choice refused={refused} {...props} />;
  if (spec.kind === "format") return <FormatControl refused={refused} place={place} {...props} />;
  return spec.step ? <Range {...props} /> : <Written rows={ROWS[spec.kind]} {...props} />;
}

const SHORT = 60;
const shortOf = (text) => (text.length > SHORT ? `${text.slice(0, SHORT)}…` : text);

/** Why a value was not taken, in the reader's language. */
export const sentenceOf = ({ reason, values }) => t(`value.${reason}`, values);

/** A parameter's range, and what most servers take where it is not sent. */
const rangeOf = ({ low = 0, high, above, usual }) =>
  [t(above ? "parameter.above" : "parameter.range", { low, high }), usual !== undefined && t("parameter.usual", { usual })].filter(Boolean).join(" ");

/** Whether nobody knows what counts where nothing is sent. */
const isOpen = ({ kind, usual }) => usual === undefined && ["number", "integer", "choice", "format"].includes(kind);

/** What the layers below say of a parameter, the nearest first. */
export function Beneath({ spec, layers }) {
  const below = saying(layers, spec.name).slice(0, -1).map(({ value, source }) => `${t(`parameter.from.${source}`)}: ${shortOf(textOf(spec.kind, value)) || t("parameter.not_sent")}`);
  return below.length > 0 && <p className="help beneath">{t("parameter.beneath", { layers: below.reverse().join(" · ") })}</p>;
}

/** Which of a parameter's choices a model does not take, each with the reason. */
const refusedOf = (spec, refuses) => (spec.choices ?? []).map((choice) => [choice, refuses?.[`${spec.name}=${choice}`]]).filter(([, why]) => why);

export function ParameterField({ spec, layers, refusedFor, why, model, place, onSet }) {
  const id = useId();
  const { now, below, isOwn } = found(layers, spec.name);
  const isSent = now !== undefined && now.value !== null;
  const isOff = Boolean(why);
  const { server, output_tokens: most, refuses } = model ?? {};
  const differing = model?.deployment[spec.name];
  // An empty field over a value from below says that it is not to be sent; over none it says nothing.
  const set = (value) => onSet({ [spec.name]: value === undefined && below !== undefined && below.value !== null ? null : value });
  const differs = !now && differing && `${t("parameter.from.deployment")}: ${differing.map((value) => textOf(spec.kind, value) || "—").join(" / ")}`;
  const from = differs ? [differs] : [!isSent && t("parameter.not_sent"), now && t(`parameter.from.${now.source}`)];
  const range = spec.kind === "number" || spec.kind === "integer" ? rangeOf(spec.name === "max_tokens" && most ? { ...spec, high: most } : spec) : "";
  const choices = refusedOf(spec, refuses);
  const not = (reason, name) => t(`parameter.not.${reason}`, { server, name });
  const said = [
    t(`parameter.${spec.name}`), spec.name === "max_tokens" && most && t("parameter.most", { most: number(most) }), range,
    spec.name === "reasoning_effort" && model && !model.has_efforts && t("parameter.no_efforts"), ...choices.map(([choice, reason]) => not(reason, choice)), isOpen(spec) && t("parameter.no_usual"),
  ];
  const help = isOff ? not(why, spec.name) : said.filter(Boolean).join(" ");
  return (
    <div className="parameter" data-off={isOff}>
      <div className="parameter-head">
        <label htmlFor={id}>{spec.name}</label>
        <span className="source">{from.filter(Boolean).join(" · ")}</span>
        {isOwn && (
          <button type="button" className="quiet icon-only" aria-label={t("parameter.reset", { name: spec.name })} title={t("parameter.reset", { name: spec.name })} onClick={() => onSet({ [spec.name]: undefined })}>
            <Icon name="undo" size={14} />
          </button>
        )}
      </div>
      <Control spec={spec} id={id} value={isSent ? now.value : undefined} refused={choices.map(([choice]) => choice)} place={place} onValue={set} disabled={isOff} aria-describedby={`${id}-help`} aria-invalid={Boolean(refusedFor)} />
      <Beneath spec={spec} layers={layers} />
      <p id={`${id}-help`} className={refusedFor ? "limit" : "help"} role={refusedFor ? "alert" : undefined}>
        {refusedFor ? `${sentenceOf(refusedFor)} ${t("parameter.unused")}` : help}
      </p>
    </div>
  );
}
