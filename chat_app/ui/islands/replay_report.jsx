// A replay: how far it is, what it has come to, and a way to end it, to let it go on and to take it along.
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { dollars, moment, number, t } from "./i18n.js";
import { useOnce } from "./once.js";
import { ReplayResults } from "./replay_results.jsx";
import { ReplayFigures } from "./replay_figures.jsx";
import { exportOf, moveReplay, readReport, sideName, stateOf } from "./replays.js";

const LOOK_MS = 1000;
const MICROS = 1_000_000;

export function ReplayReport({ id, models }) {
  const [report, setReport] = useState(null);
  const [trouble, setTrouble] = useState("");
  const [looks, look] = useState(0);
  const isRunning = report?.status === "running";
  useEffect(() => {
    let isHere = true;
    readReport(id).then((told) => isHere && (setReport(told), setTrouble("")), (sentence) => isHere && setTrouble(String(sentence)));
    return () => { isHere = false; };
  }, [id, looks]);
  useEffect(() => {
    if (!isRunning && !(trouble && report)) return undefined;
    const timer = setTimeout(() => look((n) => n + 1), LOOK_MS);
    return () => clearTimeout(timer);
  }, [isRunning, report, trouble]);
  const move = useOnce(async (to) => {
    setTrouble("");
    try {
      await moveReplay(id, to);
    } catch (sentence) {
      setTrouble(String(sentence));
    }
    look((n) => n + 1);
  });
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
          <p role="status">{stateOf(report)}</p>
          <progress aria-label={t("report.progress")} max={2 * report.prompts} value={report.answers} />
          <Moves report={report} onMove={move} />
          <ReplayFigures report={report} models={models} />
          <ReplayResults key={isRunning ? "running" : "ended"} id={id} report={report} onVoted={() => look((n) => n + 1)} />
        </section>
      )}
    </>
  );
}

/** What can be done with it as it stands. */
function Moves({ report, onMove }) {
  const { status, sides, most_micros: most } = report;
  const [limit, setLimit] = useState("");
  const failed = sides[0].failed + sides[1].failed;
  const isOver = status === "limited";
  const higher = limit.trim() === "" ? null : Math.round(Number(limit.replace(",", ".")) * MICROS);
  const isLimit = higher === null || (Number.isFinite(higher) && higher >= 0);
  const again = (changes) => onMove({ to: "running", ...(isOver ? { most_micros: higher } : {}), ...changes });
  return (
    <div className="moves">
      {isOver && <p className="limit">{t("report.limited", { limit: dollars(most) })}</p>}
      <div className="row">
        {status === "running" && <button type="button" className="button" onClick={() => void onMove({ to: "cancelled" })}>{t("report.cancel")}</button>}
        {isOver && <input inputMode="decimal" size={10} aria-label={t("report.new_limit")} placeholder={t("report.new_limit")} value={limit} aria-invalid={!isLimit} onChange={({ target }) => setLimit(target.value)} />}
        {(isOver || status === "cancelled" || status === "failing") && <button type="button" className="button primary" disabled={!isLimit} onClick={() => void again()}>{t("report.go_on")}</button>}
        {status !== "running" && failed > 0 && <button type="button" className="button" onClick={() => void again({ retry: true })}>{t("report.retry", { count: failed })}</button>}
        {["csv", "json"].map((format) => <a key={format} className="button" href={exportOf(report.id, format)} download>{t("report.export", { format: format.toUpperCase() })}</a>)}
      </div>
      {!isLimit && <p role="alert" className="limit">{t("replay.bad_limit")}</p>}
      {status === "running" && failed > 0 && <p className="muted">{t("report.failed_so_far", { count: number(failed) })}</p>}
    </div>
  );
}
