// Lines over time, one for each of a few: what was nowhere counted is a gap. What is pointed at is said in figures.
import { useState } from "react";

const WIDTH = 1000;
const HEIGHT = 200;
const ASIDE = 7; // between the lines of one period, so that none hides another's interval

/** The periods of a line, as the runs that lie beside each other: [[index, …], …]. */
function runs(values) {
  const found = [];
  values.forEach((value, index) => {
    if (value === null) return;
    if (index && values[index - 1] !== null) found.at(-1).push(index);
    else found.push([index]);
  });
  return found;
}

/** `lines` are {name, values, intervals}, a value for each of the periods or null; `top` is the highest value where it is known, `nothing` what is said where there is none. */
export function LinesChart({ label, periods, lines, show, top, nothing }) {
  const [at, point] = useState(null);
  const most = top ?? Math.max(0, ...lines.flatMap(({ values }) => values.filter((value) => value !== null)));
  const x = (index, line) => ((index + 0.5) / periods.length) * WIDTH + (line - (lines.length - 1) / 2) * ASIDE;
  const y = (value) => HEIGHT - (most ? value / most : 0) * HEIGHT;
  const pathOf = (run, values, line) => run.map((index, place) => `${place ? "L" : "M"}${x(index, line)} ${y(values[index])}${run.length === 1 ? "h0" : ""}`).join("");
  const pointed = at === null ? [] : lines.filter(({ values }) => values[at] !== null);
  return (
    <figure className="chart lines">
      <figcaption><span>{show(most)}</span><span>{periods[at]}</span></figcaption>
      <div className="plot" role="img" aria-label={label} onPointerLeave={({ pointerType }) => pointerType === "mouse" && point(null)}>
        {lines.every(({ values }) => values.every((value) => value === null)) && <p className="nothing">{nothing}</p>}
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          {lines.map(({ values, intervals }, line) => (
            <g key={line} data-line={line}>
              {intervals?.map((ends, index) => ends && <path key={index} className="interval" d={`M${x(index, line)} ${y(ends[0])}V${y(ends[1])}`} />)}
              {runs(values).map((run) => <path key={run[0]} className="line" d={pathOf(run, values, line)} />)}
              {values.map((value, index) => value !== null && <path key={index} className="dot" d={`M${x(index, line)} ${y(value)}h0`} />)}
            </g>
          ))}
        </svg>
        <div className="periods">{periods.map((each, index) => <span key={each} data-at={at === index || undefined} onPointerEnter={() => point(index)} />)}</div>
      </div>
      <p className="row"><span>{periods[0]}</span><span>{periods.at(-1)}</span></p>
      <ul className="legend">
        {lines.map((line, index) => (
          <li key={index}>
            <svg data-line={index} viewBox="0 0 24 8" aria-hidden="true"><path className="line" d="M0 4H24" /></svg>
            <span dir="auto">{line.name}</span>
            {pointed.includes(line) && <b className="figure">{show(line.values[at])}</b>}
          </li>
        ))}
      </ul>
    </figure>
  );
}
