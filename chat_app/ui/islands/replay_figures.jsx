// What a replay has come to: who is better, with an interval; how each side did; how often the checks were met.
import { dollars, number, t } from "./i18n.js";
import { LETTERS, sideName } from "./replays.js";

const share = (value) => number(value, { style: "percent" });
const seconds = (ms) => t("usage.seconds", { seconds: number(ms / 1000, { maximumFractionDigits: 2 }) });
const tokens = (value) => number(value, { maximumSignificantDigits: 3 });
const FIGURES = [
  ["answers", number], ["failed", number], ["cost_micros", dollars], ["first_token_ms", seconds], ["duration_ms", seconds],
  ["slowest_ms", seconds], ["tokens_per_s", tokens], ["output_tokens", tokens],
];

export function ReplayFigures({ report }) {
  return (
    <>
      <Wins report={report} />
      <Table label={t("report.figures")} sides={report.sides} rows={FIGURES.map(([name, show]) => ({
        name: t(`report.${name}`),
        cells: report.sides.map((side) => (side[name] === null ? "—" : show(side[name]))),
      }))} />
      {report.checks.length > 0 && <Checks report={report} />}
    </>
  );
}

function Table({ label, sides, rows }) {
  return (
    <div className="table" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{label}</th>
            {sides.map((side, at) => <th key={at} scope="col" className="figure"><span dir="auto">{LETTERS[at]} {sideName(side)}</span></th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, cells }, row) => (
            <tr key={row}>
              <th scope="row" dir="auto">{name}</th>
              {cells.map((cell, at) => <td key={at} className="figure">{cell}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Checks({ report }) {
  const held = report.checks.filter(({ kind }) => kind !== "judge");
  if (!held.length) return null;
  const rows = held.map(({ kind, value, passed, counts }) => ({
    name: [t(`checks.${kind}`), value].filter(Boolean).join(": ").slice(0, 80),
    cells: passed.map((found, at) => (
      <>
        {found ? share(found[0]) : "—"}
        {found && <small>{t("feedback.interval", { low: share(found[1]), high: share(found[2]) })}</small>}
        {counts[at].slow > 0 && <small>{t("report.slow", { count: counts[at].slow })}</small>}
      </>
    )),
  }));
  return <Table label={t("report.checks")} sides={report.sides} rows={rows} />;
}

/** What a judge is called: votes, checks, or a model by its check. */
function judgeName(judge, checks) {
  if (judge === "person" || judge === "checks") return t(`report.by_${judge}`);
  return t("report.by_judge", { model: checks[Number(judge)]?.model ?? "", number: number(Number(judge) + 1) });
}

function Wins({ report: { wins, checks, sides } }) {
  const judges = Object.entries(wins);
  if (!judges.length) return <p className="muted">{t("report.no_wins")}</p>;
  return (
    <ul className="wins" aria-label={t("report.wins")}>
      {judges.map(([judge, { first, second, ties, unread, rate }]) => (
        <li key={judge}>
          <span className="row"><b>{judgeName(judge, checks)}</b><span className="grow" />{rate && <span className="figure">{t("report.rate", { name: sideName(sides[1]), share: share(rate[0]), low: share(rate[1]), high: share(rate[2]) })}</span>}</span>
          {rate && (
            <span className="rate" aria-hidden="true">
              <span className="interval" style={{ left: `${rate[1] * 100}%`, width: `${(rate[2] - rate[1]) * 100}%` }} />
              <span className="point" style={{ left: `${rate[0] * 100}%` }} />
            </span>
          )}
          <span className="muted figure">{[t("report.win", { letter: "A", count: number(first) }), t("report.win", { letter: "B", count: number(second) }), t("report.ties", { count: number(ties) })].join(" · ")}</span>
          {unread > 0 && <span className="limit">{t("report.unread", { count: unread })}</span>}
        </li>
      ))}
    </ul>
  );
}
