// What calls took: a chart and a table, by day, model or key. The figures come by HTTP.
import { useEffect, useState } from "react";
import { ask } from "./ask.js";
import { day as dayName, dollars, number, t } from "./i18n.js";
import { Radios } from "./radios.jsx";

const MOST_RANKS = 12;
const SPANS = [7, 30, 90];
const MEASURES = ["calls", "tokens", "cost", "first"];
const GROUPS = ["day", "model", "key"];
const SUMS = ["calls", "failures", "input_tokens", "output_tokens", "cost_micros", "unpriced", "first_token_ms", "first_tokens", "attempts", "duration_ms"];

const sum = (lines) => Object.fromEntries(SUMS.map((name) => [name, lines.reduce((total, line) => total + line[name], 0)]));
const seconds = (total, count) => (count ? t("usage.seconds", { seconds: number(total / count / 1000, { maximumFractionDigits: 2 }) }) : "–");
const firstWord = (sums) => (sums.first_tokens ? sums.first_token_ms / sums.first_tokens : 0);
const VALUE = {
  calls: (sums) => sums.calls,
  tokens: (sums) => sums.input_tokens + sums.output_tokens,
  cost: (sums) => sums.cost_micros,
  first: firstWord,
};
const SHOWN = {
  calls: (value) => t("usage.n_calls", { count: value }),
  tokens: (value) => t("usage.n_tokens", { count: value }),
  cost: dollars,
  first: (value) => seconds(value, 1),
};

const nameOf = { day: (line) => line.day, model: (line) => line.model, key: (line) => line.key };
const labelOf = { day: dayName, model: (model) => model, key: (key) => key || t("usage.page") };

/** Lines that belong together, as (what they have in common, their sums); days by time, all else by calls. */
function grouped(lines, by) {
  const groups = new Map();
  for (const line of lines) groups.set(nameOf[by](line), [...(groups.get(nameOf[by](line)) ?? []), line]);
  const rows = [...groups].map(([name, own]) => [name, sum(own)]);
  return rows.sort(by === "day" ? ([a], [b]) => b - a : (a, b) => b[1].calls - a[1].calls);
}

const Choice = ({ name, labelOf = (each) => t(`usage.${each}`), ...rest }) => <Radios legend={t(`usage.${name}`)} labelOf={labelOf} {...rest} />;

/** A bar for each model or key, the longest first; the table has those that are left out. */
function Ranks({ lines, by, measure }) {
  const ranks = grouped(lines, by).map(([name, sums]) => [labelOf[by](name), VALUE[measure](sums)]).sort((a, b) => b[1] - a[1]).slice(0, MOST_RANKS);
  const most = ranks[0][1];
  return (
    <ul className="chart ranks" aria-label={t("usage.chart_by", { what: t(`usage.${measure}`), by: t(`usage.${by}`) })}>
      {ranks.map(([name, value], index) => (
        <li key={index}>
          <span className="row"><span dir="auto">{name}</span><span>{value ? SHOWN[measure](value) : "–"}</span></span>
          <span className="rank"><span style={{ width: most ? `${(value / most) * 100}%` : 0 }} /></span>
        </li>
      ))}
    </ul>
  );
}

function Chart({ told, measure }) {
  const [at, point] = useState(null);
  const byDay = new Map(grouped(told.lines, "day"));
  const days = Array.from({ length: told.days }, (_, index) => told.today - told.days + 1 + index);
  const values = days.map((each) => (byDay.has(each) ? VALUE[measure](byDay.get(each)) : 0));
  const most = Math.max(...values);
  const say = (index) => `${dayName(days[index])}: ${SHOWN[measure](values[index])}`;
  return (
    <figure className="chart">
      <figcaption>{at === null ? t("usage.most", { what: SHOWN[measure](most) }) : say(at)}</figcaption>
      <div className="bars" role="img" aria-label={t("usage.chart", { what: t(`usage.${measure}`) })} onPointerLeave={() => point(null)}>
        {values.map((value, index) => (
          <span key={days[index]} className="bar" onPointerEnter={() => point(index)}>
            <span style={{ height: most ? `${(value / most) * 100}%` : 0 }} />
          </span>
        ))}
      </div>
      <p className="row"><span>{dayName(days[0])}</span><span>{dayName(told.today)}</span></p>
    </figure>
  );
}

function Table({ lines, by }) {
  return (
    <div className="table" role="region" aria-label={t("usage.table")} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t(`usage.${by}`)}</th>
            {["calls", "failures", "input", "output", "cost", "first", "duration"].map((name) => <th key={name} scope="col" className="figure">{t(`usage.${name}`)}</th>)}
          </tr>
        </thead>
        <tbody>
          {grouped(lines, by).map(([name, sums]) => (
            <tr key={name}>
              <th scope="row" dir="auto" className={by === "day" ? "short" : undefined}>{labelOf[by](name)}</th>
              {[sums.calls, sums.failures, sums.input_tokens, sums.output_tokens].map((value, index) => <td key={index} className="figure">{number(value)}</td>)}
              <td className="figure">{sums.unpriced === sums.attempts ? "–" : dollars(sums.cost_micros)}</td>
              <td className="figure">{seconds(sums.first_token_ms, sums.first_tokens)}</td>
              <td className="figure">{seconds(sums.duration_ms, sums.attempts)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Usage() {
  const [span, setSpan] = useState(30);
  const [measure, setMeasure] = useState("calls");
  const [by, setBy] = useState("day");
  const [told, setTold] = useState(null);
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    let isHere = true;
    ask(`/api/usage?days=${span}&offset=${new Date().getTimezoneOffset()}`).then(
      (found) => isHere && (setTold(found), setTrouble("")),
      (sentence) => isHere && setTrouble(String(sentence)),
    );
    return () => { isHere = false; };
  }, [span]);
  const unpriced = told ? sum(told.lines).unpriced : 0;
  return (
    <section className="usage" aria-busy={!told && !trouble ? "true" : undefined}>
      <Choice name="span" labelOf={(days) => t("usage.days", { count: days })} options={SPANS} value={span} onChange={setSpan} />
      {trouble && <p role="alert">{trouble}</p>}
      {told?.lines.length === 0 && <p className="muted">{t("usage.none")}</p>}
      {told?.lines.length > 0 && (
        <>
          <Choice name="measure" options={MEASURES} value={measure} onChange={setMeasure} />
          <Choice name="by" options={GROUPS} value={by} onChange={setBy} />
          {by === "day" ? <Chart told={told} measure={measure} /> : <Ranks lines={told.lines} by={by} measure={measure} />}
          <Table lines={told.lines} by={by} />
          {unpriced > 0 && <p className="muted">{t("usage.unpriced", { count: unpriced })}</p>}
          <a className="button" href={`/api/usage.csv?days=${span}`} download="usage.csv">{t("usage.csv")}</a>
        </>
      )}
    </section>
  );
}
