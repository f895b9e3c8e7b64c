// From what a field shows to a value and back, and which of several layers counts. Pure.
const ESCAPES = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\" };
const UNESCAPED = Object.fromEntries(Object.entries(ESCAPES).map(([character, written]) => [written, character]));

const isText = (value) => typeof value === "string";
const pretty = (value) => (isText(value) ? value : JSON.stringify(value, null, 2));

/** A list of texts, one a line; line breaks in one are written as \n. */
const linesOf = (texts) => texts.map((text) => text.replace(/[\n\t\r\\]/g, (found) => ESCAPES[found])).join("\n");
const textsOf = (lines) => lines.split("\n").filter(Boolean).map((line) => line.replace(/\\[ntr\\]/g, (found) => UNESCAPED[found]));

/** A value as its field shows it; "" is none. */
export function textOf(kind, value) {
  if (value === null || value === undefined) return "";
  if (isText(value)) return value;
  if (kind === "strings") return linesOf(value);
  return kind === "number" || kind === "integer" ? String(value) : pretty(value);
}

/** The value that a field's text means; what means none goes to the server as it is, which says why. Undefined is nothing. */
export function valueOf(kind, text) {
  if (!(kind === "text" || kind === "strings" ? text : text.trim())) return undefined; // white space is a text, and stops
  if (kind === "number" || kind === "integer") return Number.isFinite(Number(text)) ? Number(text) : text;
  return kind === "strings" ? textsOf(text) : text;
}

/** The layers, the lowest first: {name, values}; a deployment's values are those that all its places send. */
export function layersOf(told, own) {
  const { model } = told;
  const same = Object.entries(model?.deployment ?? {}).filter(([, values]) => values.length === 1);
  return [
    { name: "deployment", values: Object.fromEntries(same.map(([name, [value]]) => [name, value])) },
    { name: "model", values: model?.model ?? {} },
    ...told.layers.slice(0, -1),
    { name: told.layers.at(-1).name, values: own },
  ];
}

/** Every layer that says something of a parameter, the lowest first: each {value, source}. */
export const saying = (layers, name) => layers.filter(({ values }) => name in values).map(({ name: source, values }) => ({ value: values[name], source }));

/** What counts of a parameter, and what would without the topmost layer: each {value, source}, undefined where nobody says. */
export function found(layers, name) {
  const all = saying(layers, name);
  const isOwn = name in layers.at(-1).values;
  return { now: all.at(-1), below: all.at(isOwn ? -2 : -1), isOwn };
}

/** What the topmost layer says: what the server has, with what is under way to it. */
export function ownOf(told, { set, reset }) {
  const stored = told?.layers.at(-1).values ?? {};
  return { ...Object.fromEntries(Object.entries(stored).filter(([name]) => !reset.includes(name))), ...set };
}

/** Why a parameter cannot be set for a model: a key of the locale files' `parameter.not.`; "" where it can. */
export function refusal(told, name, effort) {
  const why = told.model?.refuses[name] ?? "";
  return why === "thinking" && effort === "none" ? "" : why;
}
