// The figures of answers: what each is called, and how it comes of what was counted.
import { dollars, number, t } from "./i18n.js";

const share = (value) => number(value, { style: "percent" });
const seconds = (ms) => t("usage.seconds", { seconds: number(ms / 1000, { maximumFractionDigits: 2 }) });
const mean = (whole, parts) => (parts ? whole / parts : null);
const counted = (name) => ({ name, behind: name, valueOf: (counts) => counts[name], show: (value) => number(value) });

/** Each with the name of the answers behind it, its value of what was counted (null where nothing was), and how it is written. */
export const FIGURES = [
  counted("answers"),
  { name: "liked", behind: "rated", valueOf: ({ liked }) => liked?.[0] ?? null, intervalOf: ({ liked }) => liked?.slice(1), show: share, top: 1 },
  ...["up", "down", "regenerated", "edited", "preferred", "stopped", "failed"].map(counted),
  { name: "first", behind: "first_tokens", valueOf: (counts) => mean(counts.first_token_ms, counts.first_tokens), show: seconds },
  { name: "speed", behind: "speaking", valueOf: (counts) => mean(counts.tokens * 1000, counts.speaking_ms), show: (value) => number(value, { maximumSignificantDigits: 3 }) },
  { name: "cost", behind: "priced", valueOf: (counts) => mean(counts.cost_micros, counts.priced), show: dollars },
];

export const figureOf = (name) => FIGURES.find((each) => each.name === name);

/** An interval as it is written beside its share. */
export const interval = ([low, high]) => t("feedback.interval", { low: share(low), high: share(high) });
