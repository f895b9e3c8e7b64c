// The answers to one question side by side, or the one that is in view: columns, on a phone tabs. Each has a vote, and a way to go on with it.
import { Children, useEffect, useId, useState } from "react";
import { Beside, press, settle, useBeside } from "./beside.js";
import { ColumnEnding } from "./column_ending.jsx";
import { goOnWith } from "./going_on.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { MergeForm } from "./merge_form.jsx";
import { useNameOf } from "./names.js";
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

/** What the answers are called, by a number, too, where several are called the same. */
function useNames(answers) {
  const nameOf = useNameOf();
  const plain = answers.map(({ model: of, recipe }) => [nameOf(of), recipe].filter(Boolean).join(" · "));
  const names = plain.map((name, at) => (plain.indexOf(name) === plain.lastIndexOf(name) ? name : t("beside.numbered", { number: at + 1, name })));
  return ({ id }) => names[answers.findIndex((each) => each.id === id)];
}

export function SideBySide({ question, current, answers, models, model, onShow, onGoOn, onMerged, children }) {
  const isKept = answers[0].side_by_side;
  const isOn = useBeside(question, isKept);
  useEffect(() => settle(question, isKept), [question, isKept]);
  const isNarrow = useNarrow();
  const [wanted, want] = useState("");
  const name = useId();
  const called = useNames(answers);
  const drawn = Children.toArray(children); // one for each answer
  if (!isOn) return drawn[answers.findIndex(({ id }) => id === current)] ?? null;
  const ids = answers.map(({ id }) => id);
  const chosen = ids.includes(wanted) ? wanted : current;
  const showOne = () => (press(question, false), onShow(question, false));
  const goOn = async (answer) => {
    await goOnWith(answer);
    press(question, false);
    onGoOn(answer.id);
    document.getElementById("composer")?.focus();
  };
  return (
    <Beside.Provider value={true}>
      <section className="beside" aria-label={t("beside.label", { count: ids.length })} style={{ "--columns": ids.length }}>
        {isNarrow && <Tabs name={name} answers={answers} chosen={chosen} current={current} called={called} onChoose={want} />}
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
              <ColumnEnding id={answer.id} name={called(answer)} others={ids.filter((id) => id !== answer.id)} isCurrent={answer.id === current} onGoOn={() => goOn(answer)} />
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

function Tabs({ name, answers, chosen, current, called, onChoose }) {
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
          <Mark id={answer.id} />{called(answer)}{answer.id === current && <span className="mark" aria-label={t("beside.current")} role="img">↳</span>}
        </button>
      ))}
    </div>
  );
}

const MARKS = { streaming: "●", failed: "✕", stopped: "■", interrupted: "■" };

/** How an answer fares, or that it is preferred. */
function Mark({ id }) {
  const { status, preferred } = useWords(id) ?? {};
  const mark = MARKS[status] ?? (preferred && "★");
  return mark ? <span className="mark" aria-label={t(MARKS[status] ? `beside.${status}` : "beside.preferred")} role="img">{mark}</span> : null;
}
