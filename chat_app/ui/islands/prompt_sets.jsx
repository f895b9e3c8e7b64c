// Sets of prompts: read from a file, picked from what was asked before, held to checks, deleted.
import { useRef, useState } from "react";
import { ChecksForm } from "./checks_form.jsx";
import { useDeletion } from "./deletion_hook.jsx";
import { number, t } from "./i18n.js";
import { useOnce } from "./once.js";
import { PromptPicker } from "./prompt_picker.jsx";
import { dropSet, takeSet } from "./replays.js";

export function PromptSets({ sets, models, onChange }) {
  const file = useRef(null);
  const [isPicking, pick] = useState(false);
  const [isBegun, begin] = useState(false); // a picker that is put away keeps what was picked
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
  const done = (taken) => {
    pick(false);
    begin(false);
    opener.current.focus();
    if (taken) say(tell(taken));
    void onChange();
  };
  return (
    <section className="prompt-sets" aria-label={t("trials.sets")}>
      <h2 tabIndex={-1}>{t("trials.sets")}</h2>
      {sets?.length === 0 && <p className="muted">{t("trials.no_sets")}</p>}
      <ul>{sets?.map((each) => <Row key={each.id} set={each} models={models} onChange={onChange} />)}</ul>
      <div className="row">
        <button type="button" className="button" onClick={() => file.current.click()}>{t("trials.from_file")}</button>
        <input ref={file} type="file" hidden accept=".jsonl,.ndjson,.json,.txt" aria-label={t("trials.from_file")} onChange={({ target }) => target.files[0] && void take(target.files[0])} />
        <button ref={opener} type="button" className="button" aria-expanded={isPicking} onClick={() => (begin(true), pick(!isPicking))}>{t("trials.from_past")}</button>
      </div>
      <p className="muted">{t("trials.file_about")}</p>
      <p role="status">{said}</p>
      {trouble && <p role="alert" className="limit">{trouble}</p>}
      {isBegun && <div hidden={!isPicking}><PromptPicker onDone={done} /></div>}
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
  const [isBegun, begin] = useState(false); // a form that is put away keeps what was written
  const opener = useRef(null);
  const about = set.replays ? t("trials.delete_with", { count: set.replays }) : t("trials.delete_set");
  const { button, question } = useDeletion({ name: set.name, about, drop: () => dropSet(set.id).then(onChange), headings: [".prompt-sets h2"] });
  const close = () => {
    open(false);
    begin(false);
    opener.current.focus();
  };
  return (
    <li aria-label={set.name}>
      <div className="row">
        <span className="name"><b dir="auto">{set.name}</b> <span className="muted figure">{[t("trials.prompts", { count: set.prompts }), t("trials.checks", { count: set.checks.length })].join(" · ")}</span></span>
        <button ref={opener} type="button" className="quiet" aria-expanded={isOpen} aria-label={t("trials.checks_of", { name: set.name })} onClick={() => (begin(true), open(!isOpen))}>{t("trials.edit_checks")}</button>
        {button}
      </div>
      {question}
      {isBegun && <div hidden={!isOpen}><ChecksForm set={set} models={models} onSaved={onChange} onClose={close} /></div>}
    </li>
  );
}
