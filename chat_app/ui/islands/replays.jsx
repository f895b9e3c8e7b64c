// Trials: replays of sets of prompts, and the sets. An address names one replay, so that it can be handed on.
import { useEffect, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { useDeletion } from "./deletion_hook.jsx";
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
  const name = t("trials.versus", { first: sideName(replay.sides[0]), second: sideName(replay.sides[1]) });
  const drop = () => dropReplay(replay.id).then(onChange);
  const { button, question } = useDeletion({ name, about: t("trials.delete_replay"), drop, headings: [".replays h2", ".prompt-sets h2"] });
  return (
    <li aria-label={name}>
      <Link className="replay-link" to={`/trials?replay=${encodeURIComponent(replay.id)}`}>
        <b dir="auto">{name}</b>
        <span className="muted figure">{[replay.set, moment(replay.created_at), stateOf(replay)].join(" · ")}</span>
      </Link>
      {button}
      {question}
    </li>
  );
}
