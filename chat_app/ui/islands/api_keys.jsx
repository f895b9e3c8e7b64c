// Keys for programs: made here, shown once, revoked. They come and go by HTTP alone: no state of the page holds one.
import { useEffect, useRef, useState } from "react";
import { ask, post } from "./ask.js";
import { CopyButton } from "./copy_button.jsx";
import { date, t } from "./i18n.js";
import { hasTexts, useKept } from "./kept_hook.js";
import { useOnce } from "./once.js";

const KEYS = "/api/keys";
const DAYS = ["", "30", "90", "365"];
const LIMITS = ["requests_per_minute", "tokens_per_minute", "streams", "dollars_per_day", "dollars_per_month"];

const NOTHING = Object.fromEntries(["name", "models", "expires", ...LIMITS].map((name) => [name, ""]));

/** What the form says, as the server takes it: what was left empty is without limit. */
function asked(typed) {
  const field = (name) => typed[name].trim();
  const limits = LIMITS.filter((name) => field(name)).map((name) => [name, Number(field(name))]);
  const models = field("models").split(/[\s,，、]+/).filter(Boolean);
  return { name: field("name"), models, limits: Object.fromEntries(limits), expires_days: Number(field("expires")) || null };
}

/** The field that is wrong and why: {name, sentence}; null where there can be such a key. */
function wrongIn(typed) {
  if (!typed.name.trim()) return { name: "name", sentence: t("api_keys.nameless") };
  const isMoney = (name) => name.startsWith("dollars");
  const isRight = (name) => !typed[name].trim() || (Number(typed[name]) > 0 && (isMoney(name) ? Number.isFinite : Number.isSafeInteger)(Number(typed[name])));
  const bad = LIMITS.find((name) => !isRight(name));
  return bad ? { name: bad, sentence: t(`api_keys.${isMoney(bad) ? "positive" : "whole"}`, { name: t(`api_keys.${bad}`) }) } : null;
}

function Made({ made, onClose }) {
  return (
    <div className="made-key" role="status">
      <p>{t("api_keys.once", { name: made.name })}</p>
      <p className="row"><code>{made.key}</code> <CopyButton text={() => made.key} className="quiet" /></p>
      <button type="button" className="button" onClick={onClose}>{t("action.close")}</button>
    </div>
  );
}

function Form({ onMake }) {
  const { typed, write, drop } = useKept("chat_app.form.key", NOTHING, hasTexts(...Object.keys(NOTHING)));
  const [wrong, setWrong] = useState(null);
  const field = (name) => ({ name, value: typed[name], "aria-invalid": wrong?.name === name, onChange: ({ target }) => (setWrong(null), write({ [name]: target.value })) });
  const [isLimited] = useState(() => LIMITS.some((name) => typed[name])); // opened once, and then as people fold it
  const make = useOnce(async () => (await onMake(asked(typed))) && drop());
  const submit = (event) => {
    event.preventDefault();
    const why = wrongIn(typed);
    setWrong(why);
    if (why) event.currentTarget.elements[why.name].focus();
    else void make();
  };
  return (
    <form className="key-form" onSubmit={submit} noValidate>
      <label>{t("api_keys.name")}<input {...field("name")} dir="auto" maxLength={100} autoComplete="off" /></label>
      <label>{t("api_keys.models")}<input {...field("models")} autoComplete="off" placeholder={t("api_keys.models.all")} /></label>
      <details open={isLimited || undefined}>
        <summary>{t("api_keys.limits")}</summary>
        {LIMITS.map((name) => (
          <label key={name}>
            {t(`api_keys.${name}`)}
            <input {...field(name)} inputMode="decimal" autoComplete="off" />
          </label>
        ))}
      </details>
      <label>
        {t("api_keys.expires")}
        <select {...field("expires")}>
          {DAYS.map((days) => <option key={days} value={days}>{days ? t("api_keys.days", { count: Number(days) }) : t("api_keys.never")}</option>)}
        </select>
      </label>
      {wrong && <p role="alert" className="limit">{wrong.sentence}</p>}
      <button type="submit" className="button">{t("api_keys.make")}</button>
    </form>
  );
}

function Row({ row, onRevoke }) {
  const [isAsking, setAsking] = useState(false);
  const facts = [
    row.models.join(", "),
    row.expires_at && t("api_keys.until", { date: date(row.expires_at) }),
    row.last_used_at ? t("api_keys.used", { date: date(row.last_used_at) }) : t("api_keys.unused"),
  ];
  return (
    <li>
      <span><b dir="auto">{row.name}</b> <code>{row.prefix}…</code> <span className="muted">{facts.filter(Boolean).join(" · ")}</span></span>
      {isAsking ? (
        <span className="row">
          <button type="button" className="button danger" onClick={() => onRevoke(row.id)}>{t("api_keys.revoke.yes")}</button>
          <button type="button" className="quiet" onClick={() => setAsking(false)}>{t("action.cancel")}</button>
        </span>
      ) : (
        <button type="button" className="quiet" aria-label={t("api_keys.revoke.of", { name: row.name })} onClick={() => setAsking(true)}>
          {t("api_keys.revoke")}
        </button>
      )}
    </li>
  );
}

export function ApiKeys() {
  const [rows, setRows] = useState([]);
  const [made, setMade] = useState(null);
  const [trouble, setTrouble] = useState("");
  const place = useRef(null);
  const attempt = async (work) => {
    setTrouble("");
    try {
      await work();
      setRows(await ask(KEYS));
    } catch (sentence) {
      setTrouble(String(sentence));
    }
  };
  useEffect(() => void attempt(async () => {}), []);
  const make = async (wanted) => {
    let isMade = false; // also where the list cannot be read after it
    await attempt(async () => {
      setMade(await ask(KEYS, post(wanted)));
      isMade = true;
    });
    return isMade;
  };
  const revoke = (id) => attempt(async () => {
    await ask(`${KEYS}/${id}`, { method: "DELETE" });
    place.current.focus(); // the button that was pressed is gone
  });
  return (
    <div className="api-keys" ref={place} tabIndex={-1}>
      <p className="muted">{t("api_keys.about")} <code>{location.origin}/v1</code></p>
      {rows.length > 0 && <ul>{rows.map((row) => <Row key={row.id} row={row} onRevoke={revoke} />)}</ul>}
      {made ? <Made made={made} onClose={() => setMade(null)} /> : <Form onMake={make} />}
      <p role="alert">{trouble}</p>
    </div>
  );
}
