// A long paste, folded away: a million characters in the field would make every key slow.
import { t } from "./i18n.js";

const SHOWN_CHARS = 2000;

export const PastedChip = ({ paste, onKeep, onDrop }) => (
  <details className="chip">
    <summary>{t("composer.pasted", { lines: paste.split("\n").length })}</summary>
    <div className="plain preview">{paste.slice(0, SHOWN_CHARS)}</div>
    <button type="button" onClick={onKeep}>{t("composer.keep")}</button>
    <button type="button" onClick={onDrop}>{t("composer.remove")}</button>
  </details>
);
