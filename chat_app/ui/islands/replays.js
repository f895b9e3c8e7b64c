// Sets of prompts and replays, as the server has them; each of these raises the sentence that says why not.
import { asking, post, sentenceOf } from "./ask.js";
import { number, t } from "./i18n.js";

const SETS = "/api/prompt-sets";
const REPLAYS = "/api/replays";
const ask = asking("trials");
const of = (path, id) => `${path}/${encodeURIComponent(id)}`;

export const readSets = async () => (await ask(SETS)).sets;
export const readSet = (id) => ask(of(SETS, id));
export const changeSet = (id, changes) => ask(of(SETS, id), { ...post(changes), method: "PATCH" });
export const dropSet = (id) => ask(of(SETS, id), { method: "DELETE" });
export const pickSet = (name, ids) => ask(SETS, post({ name, ids }));
export const askedBefore = (wanted) => ask(`/api/prompts?${new URLSearchParams(wanted)}`);

/** Send a file of lines. */
export async function takeSet(name, file) {
  let response;
  try {
    response = await fetch(`${SETS}?${new URLSearchParams({ name })}`, { method: "POST", body: file });
  } catch {
    throw t("error.offline");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw sentenceOf(body.error ?? {}, "trials");
  return body;
}

export const readReplays = async () => (await ask(REPLAYS)).replays;
export const estimate = (wanted) => ask(`${REPLAYS}/estimate`, post(wanted));
export const beginReplay = async (wanted) => (await ask(REPLAYS, post(wanted))).id;
export const readReport = (id) => ask(of(REPLAYS, id));
export const moveReplay = (id, move) => ask(of(REPLAYS, id), { ...post(move), method: "PATCH" });
export const dropReplay = (id) => ask(of(REPLAYS, id), { method: "DELETE" });
export const readResults = (id, wanted) => ask(`${of(REPLAYS, id)}/results?${new URLSearchParams(wanted)}`);
export const voteOn = (id, position, vote) => ask(`${of(REPLAYS, id)}/votes/${position}`, { ...post(vote), method: "PUT" });
export const exportOf = (id, format) => `${of(REPLAYS, id)}/export?format=${format}`;

/** What a side of a replay is called. */
export const sideName = ({ model, recipe }) => [recipe, model].filter(Boolean).join(" · ");
export const LETTERS = ["A", "B"];

/** How far a replay is, in words. */
export function stateOf({ status, is_waiting: isWaiting, answers, prompts, judged, to_judge: toJudge }) {
  const isJudging = status === "running" && !isWaiting && answers === 2 * prompts && toJudge > 0;
  if (isJudging) return t("trials.status_judging", { done: number(judged), all: number(toJudge) });
  return t(`trials.status_${isWaiting ? "waiting" : status}`, { done: number(answers), all: number(2 * prompts) });
}

export const MICROS = 1_000_000;
const MOST_DOLLARS = 1_000_000;

/** Dollars as they are typed, in micro-dollars; null where nothing is, and NaN where that is no amount, or two: "1,000". */
export function microsOf(text) {
  const typed = text.trim();
  if (!typed) return null;
  const dollars = /^\d+([.,]\d{1,6})?$/.test(typed) && !/,\d{3}$/.test(typed) ? Number(typed.replace(",", ".")) : NaN;
  return dollars <= MOST_DOLLARS ? Math.round(dollars * MICROS) : NaN;
}
