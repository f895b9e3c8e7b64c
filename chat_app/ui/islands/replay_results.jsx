// The answers of a replay side by side, blind on request, each with a vote.
import { useEffect, useRef, useState } from "react";
import { number, t } from "./i18n.js";
import { ReplayAnswer } from "./replay_answer.jsx";
import { LETTERS, readResults, sideName, voteOn } from "./replays.js";

const PAGE = 20;
const REREAD_MS = 1000;
const VOTES = [["left", 0], ["tie", 0.5], ["right", 1]];
const BLIND = ["", "failed", "unvoted"]; // what tells nothing of who is who

const ONLY = ["", "failed", "unmet", "first", "second", "tie", "unvoted"];

/** A page of results after the other, and what reads them anew: all is of one way to look, which `rows` come with. */
function useResults(id, way, version) {
  const [shown, setShown] = useState(null); // {way, rows, total}
  const [trouble, setTrouble] = useState("");
  const last = useRef(0); // of the reads, of which the last one counts
  const now = useRef(null);
  now.current = { way, count: shown?.way === way ? shown.rows.length : 0 };
  const load = async (count) => {
    const mine = (last.current += 1);
    const [asked, rows] = [now.current.way, []];
    setTrouble("");
    try {
      let total = count;
      while (rows.length < Math.min(count, total)) {
        const page = await readResults(id, { first: rows.length, ...JSON.parse(asked) });
        if (mine !== last.current) return;
        rows.push(...page.results);
        total = page.results.length ? page.total : rows.length;
      }
      setShown({ way: asked, rows, total });
    } catch (sentence) {
      if (mine === last.current) setTrouble(String(sentence));
    }
  };
  useEffect(() => void load(PAGE), [way]);
  const reread = useRef(null);
  reread.current = () => load(Math.max(PAGE, now.current.count));
  const before = useRef(version);
  const due = useRef(0);
  useEffect(() => {
    if (before.current !== version && !due.current) due.current = setTimeout(() => ((due.current = 0), void reread.current()), REREAD_MS); // not at each answer of many
    before.current = version;
  }, [version]);
  useEffect(() => () => clearTimeout(due.current), []);
  const put = (position, vote) => {
    last.current += 1; // what is being read knows nothing of it
    setShown((all) => (all?.way === way ? { ...all, rows: all.rows.map((row) => (row.position === position ? { ...row, vote } : row)) } : all));
  };
  return { found: shown?.way === way ? shown : null, trouble, setTrouble, load, reread, put };
}

export function ReplayResults({ id, report, isBlind, onBlind, onVoted }) {
  const [only, choose] = useState("");
  const way = JSON.stringify({ only: isBlind && !BLIND.includes(only) ? "" : only, blind: isBlind ? 1 : 0 });
  const version = `${report.answers} ${report.judged} ${report.ended_at} ${report.status}`;
  const { found, trouble, setTrouble, load, reread, put } = useResults(id, way, version);
  const vote = async (position, better) => {
    setTrouble("");
    const before = found.rows.find((row) => row.position === position)?.vote ?? null;
    put(position, VOTES.find(([name]) => name === better)?.[1] ?? null);
    try {
      await voteOn(id, position, { better, blind: isBlind });
      onVoted();
    } catch (sentence) {
      put(position, before);
      setTrouble(String(sentence));
      return;
    }
    void reread.current();
  };
  return (
    <section className="results" aria-label={t("results.title")} aria-busy={!found && !trouble}>
      <div className="row">
        <h3>{t("results.title")}</h3>
        <select aria-label={t("results.only")} value={JSON.parse(way).only} onChange={({ target }) => choose(target.value)}>
          {(isBlind ? BLIND : ONLY).map((each) => <option key={each} value={each}>{t(`results.only_${each || "all"}`)}</option>)}
        </select>
        <span className="grow" />
        <label className="blind"><input type="checkbox" checked={isBlind} onChange={({ target }) => onBlind(target.checked)} /> {t("results.blind")}</label>
      </div>
      {isBlind && <p className="muted">{t("results.blind_about")}</p>}
      {trouble && <p role="alert" className="limit">{trouble} <button type="button" className="button" onClick={() => void load(PAGE)}>{t("action.retry")}</button></p>}
      {!found && !trouble && <p role="status" className="muted">{t("report.looking")}</p>}
      {found?.rows.length === 0 && <p className="muted">{t("results.none")}</p>}
      {found?.rows.map((row) => <Pair key={row.position} row={row} sides={report.sides} servers={report.servers} checks={report.checks} isBlind={isBlind} onVote={vote} />)}
      {found && found.rows.length < found.total && <button type="button" className="button" onClick={() => void load(found.rows.length + PAGE)}>{t("results.more_of", { shown: number(found.rows.length), count: number(found.total) })}</button>}
    </section>
  );
}

function Pair({ row, sides, servers, checks, isBlind, onVote }) {
  const { position, messages, expected, answers, vote, verdicts } = row;
  const at = number(position + 1);
  const names = isBlind ? [t("results.left"), t("results.right")] : sides.map((side, index) => `${LETTERS[index]} ${sideName(side)}`);
  const canVote = answers.every((answer) => answer && !answer.error_code);
  return (
    <article className="pair" aria-label={t("results.prompt", { number: at })}>
      <p className="asked" dir="auto"><span className="muted">{at}</span> {messages.at(-1).content}</p>
      {messages.length > 1 && <details><summary>{t("results.before", { count: messages.length - 1 })}</summary>{messages.slice(0, -1).map(({ role, content }, index) => <p key={index} className="plain" dir="auto"><b>{t(`results.${role}`)}</b> {content}</p>)}</details>}
      {expected && <p className="muted" dir="auto">{t("results.expected", { expected })}</p>}
      <div className="answers-pair">
        {answers.map((answer, index) => <ReplayAnswer key={index} answer={answer} name={names[index]} side={isBlind ? null : { ...sides[index], server: servers[index] }} checks={checks} />)}
      </div>
      {canVote && (
        <div className="row votes" role="group" aria-label={t("results.vote", { number: at })}>
          {VOTES.map(([better, score]) => (
            <button key={better} type="button" className="tag" aria-pressed={vote === score} onClick={() => void onVote(position, vote === score ? "" : better)}>
              {better === "tie" ? t("results.tie") : t("results.better", { name: names[score] })}
            </button>
          ))}
        </div>
      )}
      {Object.entries(verdicts).map(([judge, { score, note }]) => (
        <details key={judge} className="verdict"><summary>{t(score === null ? "results.unread" : "results.judged", { model: checks[Number(judge)]?.model ?? "", verdict: score === 0.5 ? t("results.tie") : LETTERS[score > 0.5 ? 1 : 0] })}</summary><p className="plain" dir="auto">{note}</p></details>
      ))}
    </article>
  );
}
