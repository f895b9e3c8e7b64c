// What a side of a replay said to a prompt, or why it did not, and what it was held to.
import { dollars, number, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { Prose } from "./prose.jsx";

const UNMEASURED = { prompt_too_long: "prompt_too_long_unknown", rate_limited: "rate_limited_unknown" }; // how much it was nobody has kept

/** `side` is whose it is, null where that is not to be known. */
export function ReplayAnswer({ answer, name, side, checks }) {
  if (!answer) return <div className="answer"><p className="speaker"><b dir="auto">{name}</b></p><p className="muted">{t("results.waiting")}</p></div>;
  const { text, error_code: error, checks: met = [], output_tokens: tokens, duration_ms: ms, cost_micros: cost } = answer;
  const facts = [tokens != null && t("figures.tokens", { count: tokens }), ms != null && t("usage.seconds", { seconds: number(ms / 1000, { maximumFractionDigits: 2 }) }), cost != null && dollars(cost)].filter(Boolean);
  return (
    <div className="answer">
      <p className="speaker"><b dir="auto">{name}</b></p>
      {error ? <Failure answer={answer} side={side} /> : <div className="body assistant"><Prose text={text} live={false} /></div>}
      {!error && met.some((outcome) => outcome !== "none") && (
        <ul className="met">
          {met.map((outcome, index) => outcome !== "none" && <li key={index} data-outcome={outcome}><Icon name={outcome === "pass" ? "check" : "x"} size={14} />{t(`results.${outcome}`, { kind: t(`checks.${checks[index]?.kind}`) })}</li>)}
        </ul>
      )}
      {!error && facts.length > 0 && <p className="muted figure">{facts.join(" · ")}</p>}
    </div>
  );
}

function Failure({ answer: { error_code: code, error_detail: detail }, side }) {
  const key = `problem.${UNMEASURED[code] ?? code}.what`;
  const what = side && t(key, { model: side.model, server: side.server || side.model });
  const known = what && what !== key ? what : side && t("results.failed", { code });
  return (
    <>
      <p className="limit" role="note">{known || t("results.failed_blind")}</p>
      {detail && <details><summary>{t("action.details")}</summary><p className="plain" dir="auto">{detail}</p></details>}
    </>
  );
}
