// What an answer cost in tokens and time, in a line beside its actions; the whole account stands under Details. Beside others it
// is a table, in which what nobody knows has its place, too.
import { useContext } from "react";
import { Beside } from "./beside.js";
import { dollars, number, t } from "./i18n.js";
import { useWords } from "./words_hook.js";

const tenths = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
const LEAST_S = 0.1; // in less than that no speed can be told

export function Figures({ messageId }) {
  const { output_tokens: tokens, first_token_ms: first, duration_ms: whole, cost_micros: cost } = useWords(messageId) ?? {};
  const isBeside = useContext(Beside);
  const streamed = (whole - first) / 1000;
  const rate = tokens != null && first != null && streamed > LEAST_S ? Math.round(tokens / streamed) : null;
  if (isBeside) {
    const table = [
      ["first", first != null && t("usage.seconds", { seconds: number(first / 1000, tenths) })],
      ["speed", rate != null && number(rate)],
      ["tokens", tokens != null && number(tokens)],
      ["cost", cost != null && dollars(cost)],
    ];
    return <dl className="figure-table">{table.map(([name, value]) => <div key={name}><dt>{t(`beside.${name}`)}</dt><dd>{value || "—"}</dd></div>)}</dl>;
  }
  if (tokens == null) return null; // a search, or a server that does not count
  const said = [
    t("figures.tokens", { count: tokens }),
    first != null && t("figures.first", { seconds: number(first / 1000, tenths) }),
    rate != null && t("figures.rate", { rate }),
  ].filter(Boolean);
  return <span className="figures">{said.map((text) => <span key={text}>{text}</span>)}</span>;
}
