// Begins a replay: which prompts, which two, how many at once, and what it may cost; it says beforehand what it will.
import { useEffect, useId, useRef, useState } from "react";
import { Link, useNavigate } from "react-router";
import { NOBODY, Who, isSomebody } from "./column_rows.jsx";
import { newKey } from "./drafts.js";
import { dollars, number, t } from "./i18n.js";
import { useOnce } from "./once.js";
import { useRecipes } from "./recipes.js";
import { LETTERS, beginReplay, estimate, microsOf } from "./replays.js";

const AT_ONCE = [1, 2, 4, 8, 16];

export function ReplayForm({ sets, models, model }) {
  const [setId, chooseSet] = useState(sets[0].id);
  const chosen = sets.find(({ id }) => id === setId) ?? sets[0];
  const language = models.filter(({ note_key: key }) => !key); // a search answers no prompts
  const [sides, setSides] = useState([language.some(({ id }) => id === model) ? { model } : NOBODY, NOBODY]);
  const [atOnce, setAtOnce] = useState(4);
  const [limit, setLimit] = useState("");
  const [trouble, setTrouble] = useState("");
  const known = useRef(new Set(sets.map(({ id }) => id)));
  useEffect(() => {
    const made = sets.find(({ id }) => !known.current.has(id)); // is what one goes on with
    if (made) chooseSet(made.id);
    known.current = new Set(sets.map(({ id }) => id));
  }, [sets]);
  const recipes = useRecipes();
  const navigate = useNavigate();
  const ids = { set: useId(), atOnce: useId(), limit: useId(), bad: useId() };
  const isReady = sides.every(isSomebody);
  const most = microsOf(limit);
  const isLimit = !Number.isNaN(most);
  const wanted = { set_id: chosen.id, sides, at_once: atOnce, most_micros: most };
  const asked = JSON.stringify(wanted);
  const key = useRef({});
  if (key.current.asked !== asked) key.current = { asked, key: newKey() }; // what is asked for again is begun once
  const begin = useOnce(async () => {
    setTrouble("");
    try {
      navigate(`/trials?replay=${await beginReplay({ ...wanted, key: key.current.key })}`);
    } catch (sentence) {
      setTrouble(String(sentence));
    }
  });
  return (
    <section className="replay-form" aria-label={t("replay.new")}>
      <h2>{t("replay.new")}</h2>
      {language.length === 0 && <p className="muted">{t("replay.no_models")} <Link className="link" to="/models">{t("replay.add_models")}</Link></p>}
      <form onSubmit={(event) => (event.preventDefault(), void begin())}>
        <label htmlFor={ids.set}>{t("replay.set")}</label>
        <select id={ids.set} value={chosen.id} onChange={({ target }) => chooseSet(target.value)}>
          {sets.map(({ id, name, prompts }) => <option key={id} value={id}>{t("replay.set_of", { name, prompts: number(prompts) })}</option>)}
        </select>
        {sides.map((side, at) => (
          <div key={at} className="side">
            <span className="letter" aria-hidden="true">{LETTERS[at]}</span>
            <Who label={t("replay.side", { letter: LETTERS[at] })} row={side} items={language} recipes={recipes ?? []} onChange={(next) => setSides(sides.map((each, i) => (i === at ? next : each)))} />
          </div>
        ))}
        <div className="row">
          <label htmlFor={ids.atOnce}>{t("replay.at_once")}</label>
          <select id={ids.atOnce} value={atOnce} onChange={({ target }) => setAtOnce(Number(target.value))}>{AT_ONCE.map((count) => <option key={count} value={count}>{number(count)}</option>)}</select>
          <label htmlFor={ids.limit}>{t("replay.limit")}</label>
          <input id={ids.limit} inputMode="decimal" size={8} value={limit} placeholder={t("replay.no_limit")} aria-invalid={!isLimit} aria-describedby={isLimit ? undefined : ids.bad} onChange={({ target }) => setLimit(target.value)} />
        </div>
        {!isLimit && <p id={ids.bad} role="alert" className="limit">{t("replay.bad_limit")}</p>}
        {isReady && <Estimate wanted={{ set_id: chosen.id, sides }} checks={JSON.stringify(chosen.checks)} most={most} />}
        {trouble && <p role="alert" className="limit">{trouble}</p>}
        <button type="submit" className="button primary" disabled={!isReady || !isLimit}>{t("replay.begin")}</button>
      </form>
    </section>
  );
}

/** What it will take, as far as prices are known. */
function Estimate({ wanted, checks, most }) {
  const [found, setFound] = useState(null);
  const [trouble, setTrouble] = useState("");
  const asked = JSON.stringify(wanted);
  useEffect(() => {
    let isHere = true;
    setFound(null);
    setTrouble("");
    estimate(wanted).then((told) => isHere && setFound(told), (sentence) => isHere && setTrouble(String(sentence)));
    return () => { isHere = false; };
  }, [asked, checks]);
  if (trouble) return <p role="alert" className="limit">{trouble}</p>;
  if (!found) return <p role="status" className="muted">{t("replay.estimating")}</p>;
  const { calls, tokens, cost_micros: cost, unpriced } = found;
  const isUnknown = unpriced.length > 0;
  return (
    <p role="status" className="muted">
      {t("replay.estimate", { calls: number(calls), tokens: number(tokens) })}{" "}
      {!(isUnknown && cost === 0) && t("replay.cost", { cost: dollars(cost) })}{" "}
      {isUnknown && t("replay.unpriced", { models: unpriced.join(", ") })}{" "}
      {most !== null && cost > most && <strong>{t("replay.over")}</strong>}
    </p>
  );
}
