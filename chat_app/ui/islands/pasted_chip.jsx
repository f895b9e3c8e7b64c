// What stands over the field: a long paste, folded away, since a million characters in the field would make every key slow;
// and words that wait to be sent.
import { useEffect, useState } from "react";
import { t } from "./i18n.js";
import { troubles } from "./outbox.js";

const SHOWN_CHARS = 2000;
const QUIET_MS = 600; // a send that goes through at once needs no word

export const PastedChip = ({ paste, onKeep, onDrop }) => (
  <details className="chip">
    <summary>{t("composer.pasted", { lines: paste.split("\n").length })}</summary>
    <div className="plain preview">{paste.length > SHOWN_CHARS ? `${paste.slice(0, SHOWN_CHARS)}…` : paste}</div>
    <button type="button" onClick={onKeep}>{t("composer.keep")}</button>
    <button type="button" onClick={onDrop}>{t("composer.remove")}</button>
  </details>
);

export function WaitingChip({ entry, onTakeBack }) {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    if (!entry.isSent) return undefined;
    const timer = setTimeout(() => setSlow(true), QUIET_MS);
    return () => clearTimeout(timer);
  }, [entry.isSent]);
  const trouble = troubles.get(entry.key);
  if (entry.isSent && !isSlow && !trouble) return null;
  const said = trouble ? t(`trouble.${trouble}`) : entry.isSent ? t("composer.sending") : t("composer.queued");
  return (
    <div className="chip waiting-send" role="status">
      <span>{said}</span> <span className="words">{!entry.isSent && (entry.draft.text.slice(0, SHOWN_CHARS) || entry.draft.files?.map(({ name }) => name).join(", "))}</span>
      <button type="button" onClick={onTakeBack} aria-label={t("composer.unqueue")}>✕</button>
    </div>
  );
}
