// The answers of a replay side by side, blind on request, each with a vote.
import { useEffect, useRef, useState } from "react";
import { Icon } from "./icons.jsx";
import { dollars, number, t } from "./i18n.js";
import { Prose } from "./prose.jsx";
import { LETTERS, readResults, sideName, voteOn } from "./replays.js";

const PAGE = 20;
const REREAD_MS = 1000;
const VOTES = [["left", 0], ["tie", 0.5], ["right", 1]];

export function ReplayResults({ id, report, onVoted }) {
  const [isBlind, setBlind] = useState(false);
  const [shown, setShown] = useState(null); // {rows, pages}
  const [trouble, setTrouble] = useState("");
  const turn = useRef(0); // of the reads, of which the last one counts
  const load = async (pages) => {
    const mine = (turn.current += 1);
    setTrouble("");
    try {
      const rows = [];
      for (let page = 0; page < pages; page += 1) rows.push(...(await readResults(id, { first: page * PAGE, blind: isBlind ? 1 : 0 })));
      if (mine === turn.current) setShown({ rows, pages });
    } catch (sentence) {
      if (mine === turn.current) setTrouble(String(sentence));
    }
  };
  useEffect(() => {
    setShown(null); // in another order
    void load(1);
  }, [isBlind]);
  const version = `${report.answers} ${report.ended_at} ${report.status}`;
  useEffect(() => {
    if (!shown) return undefined;
    const timer = setTimeout(() => void load(shown.pages), REREAD_MS); // not at each answer of many
    return () => clearTimeout(timer);
  }, [version]);
  const vote = async (position, better) => {
    setTrouble("");
    const score = VOTES.find(([name]) => name === better)?.[1] ?? null;
    const put = (to) => setShown((now) => now && ({ ...now, rows: now.rows.map((row) => (row.position === position ? { ...row, vote: to } : row)) }));
    const before = shown.rows.find((row) => row.position === position)?.vote ?? null;
    put(score);
    try {
      await voteOn(id, position, { better, blind: isBlind });
      onVoted();
    } catch (sentence) {
      put(before);
      setTrouble(String(sentence));
    }
  };
  const rows = shown?.rows ?? [];
  return (
    <section className="results" aria-label={t("results.title")}>
      <div className="row">
        <h3>{t("results.title")}</h3>
        <span className="grow" />
        <label><input type="checkbox" checked={isBlind} onChange={({ target }) => setBlind(target.checked)} /> {t("results.blind")}</label>
      </div>
      {isBlind && <p className="muted">{t("results.blind_about")}</p>}
      {trouble && <p role="alert" className="limit">{trouble}</p>}
      {rows.map((row) => <Pair key={row.position} row={row} sides={report.sides} checks={report.checks} isBlind={isBlind} onVote={vote} />)}
      {rows.length > 0 && rows.length < report.prompts && <button type="button" className="button" onClick={() => void load(shown.pages + 1)}>{t("results.more")}</button>}
    </section>
  );
}

function Pair({ row, sides, checks, isBlind, onVote }) {
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
        {answers.map((answer, index) => <Answer key={index} answer={answer} name={names[index]} checks={checks} />)}
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

/** What a side said, or why it did not, and what it was held to. */
function Answer({ answer, name, checks }) {
  if (!answer) return <div className="answer"><p className="speaker"><b dir="auto">{name}</b></p><p className="muted">{t("results.waiting")}</p></div>;
  const { text, error_code: error, checks: met = [], output_tokens: tokens, duration_ms: ms, cost_micros: cost } = answer;
  const facts = [tokens != null && t("figures.tokens", { count: tokens }), ms != null && t("usage.seconds", { seconds: number(ms / 1000, { maximumFractionDigits: 2 }) }), cost != null && dollars(cost)].filter(Boolean);
  const problem = `problem.${error}.what`;
  return (
    <div className="answer">
      <p className="speaker"><b dir="auto">{name}</b></p>
      {error ? <p className="limit" role="note">{t(problem, { model: name, server: "" }) === problem ? t("results.failed", { code: error }) : t(problem, { model: name, server: "" })}</p> : <div className="body assistant"><Prose text={text} live={false} /></div>}
      {!error && met.some((outcome) => outcome !== "none") && (
        <ul className="met">
          {met.map((outcome, index) => outcome !== "none" && <li key={index} data-outcome={outcome}><Icon name={outcome === "pass" ? "check" : "x"} size={14} />{t(`results.${outcome}`, { kind: t(`checks.${checks[index]?.kind}`) })}</li>)}
        </ul>
      )}
      {!error && facts.length > 0 && <p className="muted figure">{facts.join(" · ")}</p>}
    </div>
  );
}
