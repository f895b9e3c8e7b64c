// Trials: replays of sets of prompts, and the sets. An address names one replay, so that it can be handed on.
import { useEffect, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { moment, t } from "./i18n.js";
import { PromptSets } from "./prompt_sets.jsx";
import { ReplayForm } from "./replay_form.jsx";
import { ReplayReport } from "./replay_report.jsx";
import { dropReplay, readReplays, readSets, sideName, stateOf } from "./replays.js";

const LOOK_MS = 2000;

export function Replays({ models, model }) {
  const [place] = useSearchParams();
  const id = place.get("replay");
  return id ? <ReplayReport key={id} id={id} /> : <Overview models={models} model={model} />;
}

function Overview({ models, model }) {
  const [sets, setSets] = useState(null);
  const [replays, setReplays] = useState(null);
  const [trouble, setTrouble] = useState("");
  const read = async () => {
    try {
      const [foundSets, foundReplays] = await Promise.all([readSets(), readReplays()]);
      setSets(foundSets);
      setReplays(foundReplays);
      setTrouble("");
    } catch (sentence) {
      setTrouble(String(sentence));
    }
  };
  useEffect(() => void read(), []);
  const isRunning = Boolean(replays?.some(({ status }) => status === "running"));
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(() => void read(), LOOK_MS);
    return () => clearInterval(timer);
  }, [isRunning]);
  return (
    <>
      <p className="muted">{t("trials.about")}</p>
      {trouble && <p role="alert" className="limit">{trouble}</p>}
      <PromptSets sets={sets} models={models} onChange={read} />
      {sets?.length > 0 && <ReplayForm sets={sets} models={models} model={model} />}
      {replays?.length > 0 && <List replays={replays} onChange={read} />}
    </>
  );
}

function List({ replays, onChange }) {
  return (
    <section className="replays" aria-label={t("trials.replays")}>
      <h2 tabIndex={-1}>{t("trials.replays")}</h2>
      <ul>{replays.map((each) => <Row key={each.id} replay={each} onChange={onChange} />)}</ul>
    </section>
  );
}

function Row({ replay, onChange }) {
  const [isSure, askSure] = useState(false);
  const dropper = useRef(null);
  const [trouble, setTrouble] = useState("");
  const name = t("trials.versus", { first: sideName(replay.sides[0]), second: sideName(replay.sides[1]) });
  const drop = async () => {
    try {
      await dropReplay(replay.id);
      await onChange();
      document.querySelector(".replays h2, .prompt-sets h2")?.focus(); // its button is gone
    } catch (sentence) {
      setTrouble(String(sentence));
    }
  };
  return (
    <li aria-label={name}>
      <Link className="replay-link" to={`/trials?replay=${encodeURIComponent(replay.id)}`}>
        <b dir="auto">{name}</b>
        <span className="muted figure">{[replay.set, moment(replay.created_at), stateOf(replay)].join(" · ")}</span>
      </Link>
      <button ref={dropper} type="button" className="quiet" aria-label={t("trials.delete_of", { name })} onClick={() => askSure(true)}>{t("trials.delete")}</button>
      {isSure && (
        <p role="alert" className="row">
          <span>{t("trials.delete_replay")}</span>
          <button type="button" className="button" onClick={() => void drop()}>{t("trials.delete")}</button>
          <button type="button" className="button" onClick={() => (askSure(false), dropper.current.focus())}>{t("action.cancel")}</button>
        </p>
      )}
      {trouble && <p role="alert" className="limit">{trouble}</p>}
    </li>
  );
}
