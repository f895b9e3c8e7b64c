// What the last answer was really asked with: what was sent, what was left out, what was cut.
import { t } from "./i18n.js";
import { useNameOf } from "./names.js";

const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, typeof value === "object" ? 1 : 0));

export function LastRequest({ last }) {
  const nameOf = useNameOf();
  const facts = [
    ...Object.entries(last.sent).map(([name, value]) => [name, shown(value)]),
    [t("facts.dropped"), last.dropped.join(", ") || "—"],
    [t("facts.clamped"), Object.entries(last.clamped).map(([name, value]) => `${name}: ${shown(value)}`).join(", ") || "—"],
  ];
  return (
    <section className="last-request" aria-label={t("parameters.last")}>
      <h3>{t("parameters.last")}</h3>
      <p className="help">{t("parameters.last.by", { model: nameOf(last.model) })}</p>
      <dl>{facts.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name}=`}>{value}</dd>])}</dl>
    </section>
  );
}
