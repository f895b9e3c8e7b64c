// One answer made of several by a model of one's choice, which says what came from where.
import { useId, useRef, useState } from "react";
import { ask, post } from "./ask.js";
import { LEAST, MOST } from "./column.js";
import { newKey } from "./drafts.js";
import { useEnded } from "./ended_hook.js";
import { t } from "./i18n.js";
import { useOnce } from "./once.js";
import { begin } from "./words.js";

export function MergeForm({ answers, called, models, model, onMerged, children }) {
  const [isOpen, open] = useState(false);
  const button = useRef(null);
  const close = () => {
    open(false);
    button.current?.focus();
  };
  return (
    <div className="beside-foot">
      <div className="row">
        <button ref={button} type="button" className="quiet" aria-expanded={isOpen} onClick={() => open(!isOpen)}>{t("merge.open")}</button>
        {children}
      </div>
      {isOpen && <Form answers={answers} called={called} models={models} model={model} onMerged={onMerged} onClose={close} />}
    </div>
  );
}

function Form({ answers, called, models, model, onMerged, onClose }) {
  const ended = useEnded(answers.map(({ id }) => id));
  const canMerge = ({ id }) => ended.includes(id);
  const asked = models.filter(({ note_key: key }) => !key); // what is built in writes nothing
  const [left, leave] = useState(() => answers.filter(canMerge).slice(MOST).map(({ id }) => id)); // what is not merged
  const [by, choose] = useState(() => (asked.some(({ id }) => id === model) ? model : (asked[0]?.id ?? "")));
  const [trouble, setTrouble] = useState("");
  const key = useRef(newKey());
  const name = useId();
  const merged = answers.filter((each) => canMerge(each) && !left.includes(each.id));
  const toggle = (id) => {
    key.current = newKey(); // of other answers it is another merger
    leave(left.includes(id) ? left.filter((each) => each !== id) : [...left, id]);
  };
  const merge = useOnce(async () => {
    setTrouble("");
    try {
      const turn = await ask("/api/trials/merge", post({ key: key.current, ids: merged.map(({ id }) => id), model: by }));
      begin(turn, null);
      onMerged(turn.conversation_id, key.current);
    } catch (sentence) {
      setTrouble(sentence);
    }
  });
  const onKeyDown = (event) => {
    if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
    event.stopPropagation();
    onClose();
  };
  const isEnough = merged.length >= LEAST && merged.length <= MOST;
  return (
    <form className="merge" aria-label={t("merge.open")} onKeyDown={onKeyDown} onSubmit={(event) => (event.preventDefault(), void merge())}>
      <p className="muted">{t("merge.about")}</p>
      <fieldset className="choice">
        <legend>{t("merge.which")}</legend>
        {answers.map((each) => (
          <label key={each.id}><input type="checkbox" checked={merged.includes(each)} disabled={!canMerge(each)} onChange={() => toggle(each.id)} />{called(each)}</label>
        ))}
      </fieldset>
      <label htmlFor={name}>{t("merge.by")}</label>
      <select id={name} value={by} onChange={({ target }) => ((key.current = newKey()), choose(target.value))}>
        {asked.map(({ id, text }) => <option key={id} value={id}>{text}</option>)}
      </select>
      {!isEnough && <p className="limit" role="status">{t("merge.count", { least: LEAST, most: MOST })}</p>}
      {trouble && <p className="limit" role="alert">{trouble}</p>}
      <div className="row">
        <button type="submit" className="button primary" disabled={!isEnough || !by}>{t("merge.do")}</button>
        <button type="button" className="button" onClick={onClose}>{t("action.close")}</button>
      </div>
    </form>
  );
}
