// What an answer cost in tokens and time, in a line beside its actions; the whole account stands under Details.
import { number, t } from "./i18n.js";
import { useWords } from "./words_hook.js";

const tenths = { minimumFractionDigits: 1, maximumFractionDigits: 1 };

export function Figures({ messageId }) {
  const { output_tokens: tokens, first_token_ms: first, duration_ms: whole } = useWords(messageId) ?? {};
  const streamed = (whole - first) / 1000;
  if (tokens == null) return null; // a search, or a server that does not count
  const said = [
    t("figures.tokens", { count: tokens }),
    first != null && t("figures.first", { seconds: number(first / 1000, tenths) }),
    first != null && streamed > 0.1 && t("figures.rate", { rate: Math.round(tokens / streamed) }),
  ].filter(Boolean);
  return <span className="figures">{said.map((text) => <span key={text}>{text}</span>)}</span>;
}
