// Sets of prompts: read from a file, picked from what was asked before, held to checks, deleted.
import { useRef, useState } from "react";
import { ChecksForm } from "./checks_form.jsx";
import { number, t } from "./i18n.js";
import { useOnce } from "./once.js";
import { PromptPicker } from "./prompt_picker.jsx";
import { dropSet, takeSet } from "./replays.js";

export function PromptSets({ sets, models, onChange }) {
  const file = useRef(null);
  const [isPicking, pick] = useState(false);
  const [picked, count] = useState(0); // how often there was a picker: one that is put away keeps what was picked
  const opener = useRef(null);
  const [said, say] = useState("");
  const [trouble, setTrouble] = useState("");
  const take = useOnce(async (given) => {
    setTrouble("");
    say(t("trials.reading"));
    try {
      const taken = await takeSet(given.name.replace(/\.[^.]*$/, ""), given);
      say(tell(taken));
      await onChange();
    } catch (sentence) {
      say("");
      setTrouble(String(sentence));
    }
    if (file.current) file.current.value = "";
  });
  return (
    <section className="prompt-sets" aria-label={t("trials.sets")}>
      <h2 tabIndex={-1}>{t("trials.sets")}</h2>
      {sets?.length === 0 && <p className="muted">{t("trials.no_sets")}</p>}
      <ul>{sets?.map((each) => <Row key={each.id} set={each} models={models} onChange={onChange} />)}</ul>
      <div className="row">
        <button type="button" className="button" onClick={() => file.current.click()}>{t("trials.from_file")}</button>
        <input ref={file} type="file" hidden accept=".jsonl,.ndjson,.json,.txt" aria-label={t("trials.from_file")} onChange={({ target }) => target.files[0] && void take(target.files[0])} />
        <button ref={opener} type="button" className="button" aria-expanded={isPicking} onClick={() => (count(Math.max(1, picked)), pick(!isPicking))}>{t("trials.from_past")}</button>
      </div>
      <p className="muted">{t("trials.file_about")}</p>
      <p role="status">{said}</p>
      {trouble && <p role="alert" className="limit">{trouble}</p>}
      {picked > 0 && (
        <div hidden={!isPicking}>
          <PromptPicker key={picked} onDone={(taken) => {
            pick(false);
            opener.current.focus();
            if (taken) say(tell(taken));
            if (taken) count((n) => n + 1); // the next one begins anew
            void onChange();
          }} />
        </div>
      )}
    </section>
  );
}

/** What was taken of a file, and the first of its lines that is none. */
function tell({ prompts, bad, lines }) {
  const taken = t("trials.taken", { count: prompts });
  if (!bad) return taken;
  const [first] = lines;
  return `${taken} ${t("trials.bad", { count: bad })} ${t("trials.bad_line", { line: number(first.number), why: t(`trials.line_${first.reason}`) })}`;
}

function Row({ set, models, onChange }) {
  const [isOpen, open] = useState(false);
  const [forms, count] = useState(0); // how often there was a form: one that is put away keeps what was written
  const [opener, dropper] = [useRef(null), useRef(null)];
  const [isSure, askSure] = useState(false);
  const [trouble, setTrouble] = useState("");
  const drop = async () => {
    try {
      await dropSet(set.id);
      await onChange();
      document.querySelector(".prompt-sets h2")?.focus(); // its button is gone
    } catch (sentence) {
      setTrouble(String(sentence));
    }
  };
  return (
    <li aria-label={set.name}>
      <div className="row">
        <span className="name"><b dir="auto">{set.name}</b> <span className="muted figure">{[t("trials.prompts", { count: set.prompts }), t("trials.checks", { count: set.checks.length })].join(" · ")}</span></span>
        <button ref={opener} type="button" className="quiet" aria-expanded={isOpen} aria-label={t("trials.checks_of", { name: set.name })} onClick={() => (count(Math.max(1, forms)), open(!isOpen))}>{t("trials.edit_checks")}</button>
        <button ref={dropper} type="button" className="quiet" aria-label={t("trials.delete_of", { name: set.name })} onClick={() => askSure(true)}>{t("trials.delete")}</button>
      </div>
      {isSure && (
        <p role="alert" className="row">
          <span>{set.replays ? t("trials.delete_with", { count: set.replays }) : t("trials.delete_set")}</span>
          <button type="button" className="button" onClick={() => void drop()}>{t("trials.delete")}</button>
          <button type="button" className="button" onClick={() => (askSure(false), dropper.current.focus())}>{t("action.cancel")}</button>
        </p>
      )}
      {trouble && <p role="alert" className="limit">{trouble}</p>}
      {forms > 0 && (
        <div hidden={!isOpen}>
          <ChecksForm key={forms} set={set} models={models} onSaved={onChange} onClose={() => (open(false), count(forms + 1), opener.current.focus())} />
        </div>
      )}
    </li>
  );
}
