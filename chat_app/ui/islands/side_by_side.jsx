// The answers to one question side by side, or the one that is in view: columns, on a phone tabs. Each has a vote, and a way to go on with it.
import { Children, useEffect, useId, useState } from "react";
import { Beside, press, useBeside } from "./beside.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { MergeForm } from "./merge_form.jsx";
import { useNameOf } from "./names.js";
import { useOnce } from "./once.js";
import { prefer } from "./preference.js";
import { stop } from "./stop.js";
import { Waiting } from "./waiting.jsx";
import { useWords } from "./words_hook.js";

const NARROW = "(max-width: 767px)";

/** Shows the answers to a question side by side. */
export const BesideButton = ({ question, onShow }) => (
  <button type="button" className="quiet icon-only" aria-label={t("beside.show")} title={t("beside.show")} onClick={() => (press(question, true), onShow(question, true))}><Icon name="columns" /></button>
);

function useNarrow() {
  const [isNarrow, see] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const query = matchMedia(NARROW);
    const look = () => see(query.matches);
    query.addEventListener("change", look);
    return () => query.removeEventListener("change", look);
  }, []);
  return isNarrow;
}

export function SideBySide({ question, current, answers, models, model, onShow, onGoOn, onMerged, children }) {
  const isKept = answers[0].side_by_side;
  const isOn = useBeside(question, isKept);
  useEffect(() => press(question), [question, isKept]); // it has what was pressed
  const isNarrow = useNarrow();
  const [wanted, want] = useState("");
  const name = useId();
  const nameOf = useNameOf();
  const drawn = Children.toArray(children); // one for each answer
  if (!isOn) return drawn[answers.findIndex(({ id }) => id === current)] ?? null;
  const ids = answers.map(({ id }) => id);
  const chosen = ids.includes(wanted) ? wanted : current;
  const called = ({ model: of, recipe }) => [nameOf(of), recipe].filter(Boolean).join(" · ");
  const showOne = () => (press(question, false), onShow(question, false));
  const goOn = (id) => {
    showOne();
    if (id !== current) onGoOn(id);
    document.getElementById("composer")?.focus();
  };
  return (
    <Beside.Provider value={true}>
      <section className="beside" aria-label={t("beside.label", { count: ids.length })} style={{ "--columns": ids.length }}>
        {isNarrow && <Tabs name={name} answers={answers} chosen={chosen} called={called} onChoose={want} />}
        <div className="beside-columns">
          {answers.map((answer, at) => (
            <div
              key={answer.id}
              id={`${name}${at}`}
              className="beside-column"
              hidden={isNarrow && answer.id !== chosen}
              data-current={answer.id === current}
              {...(isNarrow ? { role: "tabpanel", "aria-label": called(answer) } : {})}
            >
              {drawn[at]}
              <Ending id={answer.id} name={called(answer)} model={nameOf(answer.model)} others={ids.filter((id) => id !== answer.id)} onGoOn={goOn} />
            </div>
          ))}
        </div>
        <MergeForm answers={answers} called={called} models={models} model={model} onMerged={(...told) => (showOne(), onMerged(...told))}>
          <button type="button" className="quiet" onClick={showOne}>{t("beside.single")}</button>
        </MergeForm>
      </section>
    </Beside.Provider>
  );
}

function Tabs({ name, answers, chosen, called, onChoose }) {
  const at = answers.findIndex(({ id }) => id === chosen);
  const onKeyDown = (event) => {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: answers.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (to + answers.length) % answers.length;
    onChoose(answers[next].id);
    event.currentTarget.children[next].focus();
  };
  return (
    <div className="beside-tabs" role="tablist" aria-label={t("beside.tabs")} onKeyDown={onKeyDown}>
      {answers.map((answer, index) => (
        <button key={answer.id} type="button" role="tab" aria-selected={index === at} aria-controls={`${name}${index}`} tabIndex={index === at ? 0 : -1} onClick={() => onChoose(answer.id)}>
          <Mark id={answer.id} />{called(answer)}
        </button>
      ))}
    </div>
  );
}

/** That an answer runs, or is preferred. */
function Mark({ id }) {
  const { status, preferred } = useWords(id) ?? {};
  if (status === "streaming") return <span className="dot" aria-label={t("beside.running")} role="img">●</span>;
  return preferred ? <span className="dot" aria-label={t("beside.preferred")} role="img">★</span> : null;
}

/** What can be done with a column: while it runs, to stop it. */
function Ending({ id, name, model, others, onGoOn }) {
  const words = useWords(id);
  const [trouble, setTrouble] = useState("");
  const vote = useOnce(async () => {
    setTrouble("");
    await prefer(id, others).catch(setTrouble);
  });
  if (words?.status === "streaming") {
    return (
      <div className="beside-ending">
        <Waiting id={id} model={model} />
        <button type="button" className="button" aria-label={t("beside.stop_of", { name })} onClick={() => void stop([id])}>{t("composer.stop")}</button>
      </div>
    );
  }
  return (
    <div className="beside-ending">
      <button type="button" className="button" aria-label={t("beside.vote_of", { name })} aria-pressed={Boolean(words?.preferred)} onClick={() => void vote()}><Icon name="star" size={16} />{t("beside.vote")}</button>
      <button type="button" className="button" aria-label={t("beside.go_on_of", { name })} onClick={() => onGoOn(id)}>{t("beside.go_on")}</button>
      {trouble && <p className="limit" role="alert">{trouble}</p>}
    </div>
  );
}
