// Examples to train with, as a file: which, how they are written, what is taken out; looked at before they are given away.
import { useId, useState } from "react";
import { ask } from "./ask.js";
import { t } from "./i18n.js";
import { useOnce } from "./once.js";
import { Radios } from "./radios.jsx";

const WHATS = ["answers", "preferences", "conversations"];
const FORMS = ["chat", "alpaca"];
const SECRETS = ["email", "phone", "card", "key"];

export function FeedbackExport() {
  const title = useId();
  const [wanted, want] = useState({ what: "answers", form: "chat", redact: SECRETS });
  const [mayGive, allow] = useState(false);
  const [found, setSeen] = useState(null); // {count, lines} of what was asked for
  const [trouble, setTrouble] = useState("");
  const change = (values) => {
    want({ ...wanted, ...values });
    setSeen(null);
    setTrouble("");
    allow(false); // it was said of other texts
  };
  const query = (more) => `/api/feedback/examples?${new URLSearchParams({ ...wanted, redact: wanted.redact.join(","), ...more })}`;
  const look = useOnce(async () => {
    setTrouble("");
    try {
      const asked = query();
      setSeen({ ...(await ask(query({ preview: "1" }))), asked });
    } catch (sentence) {
      setTrouble(String(sentence));
    }
  });
  const seen = found?.asked === query() ? found : null; // nobody agrees to other texts than they saw
  const without = (secret) => SECRETS.filter((each) => wanted.redact.includes(each) !== (each === secret));
  return (
    <section className="examples" aria-labelledby={title}>
      <h2 id={title}>{t("examples.title")}</h2>
      <p className="muted">{t("examples.what_for")}</p>
      <Radios legend={t("examples.what")} labelOf={(what) => t(`examples.${what}`)} options={WHATS} value={wanted.what} onChange={(what) => change({ what })} />
      <Radios legend={t("examples.form")} labelOf={(form) => t(`examples.${form}`)} options={FORMS} value={wanted.form} onChange={(form) => change({ form })} />
      <fieldset className="choice">
        <legend>{t("examples.redact")}</legend>
        {SECRETS.map((secret) => (
          <label key={secret}><input type="checkbox" checked={wanted.redact.includes(secret)} onChange={() => change({ redact: without(secret) })} />{t(`examples.${secret}`)}</label>
        ))}
      </fieldset>
      <p className="muted">{t("examples.misses")}</p>
      <button type="button" className="button" onClick={look}>{t("examples.preview")}</button>
      {trouble && <p role="alert" className="limit">{trouble}</p>}
      {seen && <p role="status">{t(seen.count === 0 ? "examples.nothing" : seen.count > seen.lines.length ? "examples.some" : "examples.all", { count: seen.count, shown: seen.lines.length })}</p>}
      {seen?.count > 0 && (
        <>
          <pre className="preview" dir="auto" tabIndex={0} role="region" aria-label={t("examples.preview")}>{seen.lines.map((line) => JSON.stringify(line, null, 2)).join("\n\n")}</pre>
          <label className="consent"><input type="checkbox" checked={mayGive} onChange={({ target }) => allow(target.checked)} />{t("examples.consent")}</label>
          {mayGive ? <a className="button primary" href={query({ consent: "yes" })} download>{t("examples.file")}</a> : <button type="button" className="button" disabled>{t("examples.file")}</button>}
        </>
      )}
    </section>
  );
}
