// How models and versions of recipes do: a chart over time, and a table whose figures open the answers behind them.
import { useEffect, useState } from "react";
import { ask } from "./ask.js";
import { AnswersDialog } from "./feedback_answers.jsx";
import { FeedbackExport } from "./feedback_export.jsx";
import { FIGURES, figureOf, interval } from "./feedback_figures.js";
import { days, t } from "./i18n.js";
import { LinesChart } from "./lines_chart.jsx";
import { Radios } from "./radios.jsx";

const MOST_LINES = 6;
const EVERY = { 7: 1, 30: 5, 90: 10 }; // days of a period, by how many days are shown: a share of few thumbs says nothing
const SPANS = Object.keys(EVERY).map(Number);
const offset = () => new Date().getTimezoneOffset();

const keyOf = ({ model, recipe_version_id: version }) => `${version ?? ""} ${model}`;
const nameOf = ({ model, recipe }) => (recipe ? `${recipe} · ${model}` : model);
const named = (day, every) => days(day, day + every - 1);

function Chart({ told, measure }) {
  const { intervalOf, valueOf, show, top } = figureOf(measure);
  const begin = Array.from({ length: told.days / told.every }, (_, index) => told.today - told.days + 1 + index * told.every);
  const lines = told.lines.slice(0, MOST_LINES).map((line) => {
    const counted = new Map(line.periods.map((each) => [each.day, each]));
    const of = (read) => begin.map((each) => (counted.has(each) ? read(counted.get(each)) ?? null : null));
    return { name: nameOf(line), values: of(valueOf), intervals: intervalOf && of(intervalOf) };
  });
  return (
    <>
      <LinesChart label={t("feedback.chart", { what: t(`feedback.${measure}`), count: told.every })} periods={begin.map((day) => named(day, told.every))} lines={lines} show={show} top={top} nothing={t("feedback.no_values")} />
      {told.lines.length > MOST_LINES && <p className="muted">{t("feedback.most_lines", { count: MOST_LINES })}</p>}
    </>
  );
}

/** The figures of a row, of which each but nought opens its answers. */
function Cells({ figures, of, onOpen }) {
  return FIGURES.map(({ name, behind, valueOf, intervalOf, show }) => {
    const value = valueOf(figures);
    const shown = value === null ? "—" : show(value);
    const what = t(`feedback.${name}`);
    return (
      <td key={name} className="figure">
        {value === null || (name === behind && value === 0) ? shown : (
          <button type="button" className="link" aria-label={t("feedback.behind", { what, value: shown, name: of })} onClick={() => onOpen({ what, behind, named: of })}>{shown}</button>
        )}
        {intervalOf?.(figures) && <small>{interval(intervalOf(figures))}</small>}
      </td>
    );
  });
}

function Rows({ line, every, onOpen }) {
  const [isOpen, open] = useState(false);
  const name = nameOf(line);
  const place = { model: line.model, version: line.recipe_version_id ?? "" };
  return (
    <>
      <tr>
        <th scope="row">
          <button type="button" className="unfold-row" aria-expanded={isOpen} aria-label={t("feedback.by_day", { name })} onClick={() => open(!isOpen)}>
            <span dir="auto">{line.recipe || line.model}</span>
            {line.recipe && <small dir="auto">{line.model}</small>}
          </button>
        </th>
        <Cells figures={line} of={name} onOpen={(what) => onOpen({ ...place, ...what })} />
      </tr>
      {isOpen && line.periods.map((each) => (
        <tr key={each.day} className="of-period">
          <th scope="row" className="short">{named(each.day, every)}</th>
          <Cells figures={each} of={`${name}, ${named(each.day, every)}`} onOpen={(what) => onOpen({ ...place, ...what, day: each.day, every })} />
        </tr>
      ))}
    </>
  );
}

function Table({ lines, every, onOpen }) {
  return (
    <div className="table" role="region" aria-label={t("feedback.table")} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("feedback.who")}</th>
            {FIGURES.map(({ name }) => <th key={name} scope="col" className="figure">{t(`feedback.${name}`)}</th>)}
          </tr>
        </thead>
        <tbody>{lines.map((line) => <Rows key={keyOf(line)} line={line} every={every} onOpen={onOpen} />)}</tbody>
      </table>
    </div>
  );
}

export function Feedback() {
  const [span, setSpan] = useState(30);
  const [measure, setMeasure] = useState("liked");
  const [found, setTold] = useState(null);
  const [trouble, setTrouble] = useState("");
  const [attempt, again] = useState(0);
  const [place, open] = useState(null); // whose answers are shown
  const told = found?.days === span ? found : null;
  useEffect(() => {
    let isHere = true;
    setTrouble("");
    const ahead = offset();
    ask(`/api/feedback?days=${span}&every=${EVERY[span]}&offset=${ahead}`).then(
      (found) => isHere && (setTold({ ...found, offset: ahead }), setTrouble("")),
      (sentence) => isHere && setTrouble(String(sentence)),
    );
    return () => { isHere = false; };
  }, [span, attempt]);
  const onOpen = (wanted) => open({ ...wanted, days: told.days, offset: told.offset, today: told.today }); // of the days that are shown, also tomorrow
  return (
    <>
      <section className="feedback" aria-busy={!told && !trouble ? "true" : undefined}>
        <Radios legend={t("usage.span")} labelOf={(days) => t("usage.days", { count: days })} options={SPANS} value={span} onChange={setSpan} />
        {trouble && <p role="alert" className="limit">{trouble} <button type="button" className="link" onClick={() => again((n) => n + 1)}>{t("action.retry")}</button></p>}
        {told?.lines.length === 0 && <p className="muted">{t("feedback.none")}</p>}
        {told?.lines.length > 0 && (
          <>
            <label className="measure">
              {t("usage.measure")}
              <select value={measure} onChange={({ target }) => setMeasure(target.value)}>{FIGURES.map(({ name }) => <option key={name} value={name}>{t(`feedback.${name}`)}</option>)}</select>
            </label>
            <Chart told={told} measure={measure} />
            <Table lines={told.lines} every={told.every} onOpen={onOpen} />
            <p className="muted">{t("feedback.how")}</p>
          </>
        )}
      </section>
      <FeedbackExport />
      <AnswersDialog place={place} onClose={() => open(null)} />
    </>
  );
}
