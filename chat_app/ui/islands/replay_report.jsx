// A replay: how far it is, what it has come to, and a way to end it, to let it go on and to take it along.
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { dollars, moment, number, t } from "./i18n.js";
import { useOnce } from "./once.js";
import { ReplayResults } from "./replay_results.jsx";
import { ReplayFigures } from "./replay_figures.jsx";
import { MICROS, exportOf, microsOf, moveReplay, readReport, sideName, stateOf } from "./replays.js";

const LOOK_MS = 1000;
const SECOND_TAP_MS = 400;

export function ReplayReport({ id }) {
  const [report, setReport] = useState(null);
  const [trouble, setTrouble] = useState("");
  const [refusal, refuse] = useState(""); // of what was to be done with it
  const [looks, look] = useState(0);
  const [isBlind, setBlind] = useState(false);
  const state = useRef(null);
  useEffect(() => {
    let isHere = true;
    let timer = 0;
    const read = async () => {
      let isLast = false;
      try {
        const told = await readReport(id);
        isLast = told.status !== "running";
        if (isHere) setReport(told);
        if (isHere) setTrouble("");
      } catch (sentence) {
        isLast = sentence === t("trials.error_not_found");
        if (isHere) setTrouble(String(sentence));
      }
      if (isHere && !isLast) timer = setTimeout(read, LOOK_MS);
    };
    void read();
    return () => {
      isHere = false;
      clearTimeout(timer);
    };
  }, [id, looks]);
  const move = useOnce(async (to) => {
    refuse("");
    try {
      await moveReplay(id, to);
    } catch (sentence) {
      refuse(String(sentence));
    }
    look((n) => n + 1);
  });
  const status = report?.status;
  const last = useRef(undefined);
  useEffect(() => {
    const isAnother = last.current !== undefined && last.current !== status;
    last.current = status;
    if (isAnother && document.activeElement === document.body) state.current?.focus({ preventScroll: true }); // the button that was pressed is gone
  }, [status]);
  const isPriced = report?.sides.some(({ cost_micros: cost }) => cost !== null); // or else nobody knows
  const name = report && t("trials.versus", { first: sideName(report.sides[0]), second: sideName(report.sides[1]) });
  return (
    <>
      <p><Link className="link" to="/trials">{t("report.back")}</Link></p>
      {trouble && <p role="alert" className="limit">{trouble}</p>}
      {!report && !trouble && <p role="status" className="muted">{t("report.looking")}</p>}
      {report && (
        <section className="report" aria-label={name}>
          <h2 dir="auto">{name}</h2>
          <p className="muted figure">{[report.set, moment(report.created_at), isPriced && t("report.spent", { cost: dollars(report.spent_micros) })].filter(Boolean).join(" · ")}</p>
          <p className="state" ref={state} tabIndex={-1}>{stateOf(report)}</p>
          <p className="visually-hidden" role="status">{report.status === "running" ? "" : stateOf(report)}</p>
          <progress aria-label={t("report.progress")} max={2 * report.prompts + report.to_judge} value={report.answers + Math.min(report.judged, report.to_judge)} />
          <Moves report={report} onMove={move} />
          {refusal && <p role="alert" className="limit">{refusal}</p>}
          {isBlind ? <p className="muted">{t("report.hidden", { count: votesIn(report) })}</p> : <ReplayFigures report={report} />}
          <ReplayResults id={id} report={report} isBlind={isBlind} onBlind={setBlind} onVoted={() => look((n) => n + 1)} />
        </section>
      )}
    </>
  );
}

const votesIn = ({ wins: { person } }) => (person ? person.first + person.second + person.ties : 0);

/** Whether something has become what it is only now, so that a press may have been meant for what it was. */
function useIsFresh(value) {
  const [settled, settle] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => settle(value), SECOND_TAP_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled !== value;
}

/** What can be done with it as it stands. */
function Moves({ report, onMove }) {
  const { status, sides, wins, most_micros: most } = report;
  const [limit, setLimit] = useState("");
  useEffect(() => setLimit(most === null ? "" : String(most / MICROS)), [status, most]); // emptied by hand it is none
  const isFresh = useIsFresh(status);
  const failed = sides[0].failed + sides[1].failed;
  const unread = Object.values(wins).reduce((sum, each) => sum + each.unread, 0);
  const isOver = status === "limited";
  const higher = microsOf(limit);
  const isLimit = !isOver || !Number.isNaN(higher);
  const again = (changes) => onMove({ to: "running", ...changes });
  return (
    <div className="moves">
      {isOver && <p className="limit">{t("report.limited", { limit: dollars(most) })}</p>}
      <div className="row">
        {status === "running" && <button type="button" className="button" onClick={() => void onMove({ to: "cancelled" })}>{t("report.cancel")}</button>}
        {isOver && <input inputMode="decimal" size={10} aria-label={t("report.new_limit")} placeholder={t("report.new_limit")} value={limit} aria-invalid={!isLimit} onChange={({ target }) => setLimit(target.value)} />}
        {(isOver || status === "cancelled" || status === "failing") && <button type="button" className="button primary" disabled={!isLimit || isFresh} onClick={() => void again(isOver ? { most_micros: higher } : {})}>{t("report.go_on")}</button>}
        {status !== "running" && failed + unread > 0 && <button type="button" className="button" disabled={isFresh} onClick={() => void again({ retry: true })}>{t("report.retry", { count: failed + unread })}</button>}
        {["csv", "json"].map((format) => <a key={format} className="button" href={exportOf(report.id, format)} download>{t("report.export", { format: format.toUpperCase() })}</a>)}
      </div>
      {!isLimit && <p role="alert" className="limit">{t("replay.bad_limit")}</p>}
      {status === "running" && failed > 0 && <p className="muted">{t("report.failed_so_far", { count: number(failed) })}</p>}
    </div>
  );
}
