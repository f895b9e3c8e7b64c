// The figures of answers: what each is called, and how it is written.
import { dollars, number, t } from "./i18n.js";

const share = (value) => number(value, { style: "percent" });
const seconds = (ms) => t("usage.seconds", { seconds: number(ms / 1000, { maximumFractionDigits: 2 }) });
const counted = (name) => ({ name, behind: name, valueOf: ({ counts }) => counts[name], show: (value) => number(value) });

/** Each with the name of the answers behind it, its value (null where nothing was counted), and how it is written. */
export const FIGURES = [
  counted("answers"),
  { name: "liked", behind: "rated", valueOf: ({ liked }) => liked?.[0] ?? null, intervalOf: ({ liked }) => liked?.slice(1), show: share, top: 1 },
  ...["up", "down", "regenerated", "edited", "preferred", "stopped", "failed"].map(counted),
  { name: "first", behind: "first_tokens", valueOf: (of) => of.first_token_ms, show: seconds },
  { name: "speed", behind: "speaking", valueOf: (of) => of.tokens_per_s, show: (value) => number(value, { maximumSignificantDigits: 3 }) },
  { name: "cost", behind: "priced", valueOf: (of) => of.cost_micros, show: dollars },
];

export const figureOf = (name) => FIGURES.find((each) => each.name === name);

/** An interval as it is written beside its share. */
export const interval = ([low, high]) => t("feedback.interval", { low: share(low), high: share(high) });
