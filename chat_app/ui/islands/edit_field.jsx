// Edits words in place: a question or an answer in the transcript, a wish for another answer, a title in the sidebar.
// What is being written is kept in this tab, and what is sent goes by the outbox, whatever becomes of the page meanwhile.
import { useEffect, useRef, useState } from "react";
import { act, onAct } from "./acts.js";
import { idHere, lengthOf } from "./drafts.js";
import { EditFiles } from "./edit_files.jsx";
import { fileOf, isGiven } from "./given.jsx";
import { number, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { forget, keep, recall } from "./kept.js";
import { deliver, onOutbox, placeOf, put, take, troubles, underWayAbout } from "./outbox.js";
import { textOf } from "./words.js";
import { useWords } from "./words_hook.js";

const isEdit = ({ text, out }) => typeof text === "string" && Array.isArray(out); // `out`: ids of files that are taken out
const isComposing = (event) => event.nativeEvent.isComposing || event.keyCode === 229;

/** Which of `actions` was asked for here and is under way; "" when none is. */
function useAction(id, actions, first = () => "") {
  const [action, set] = useState(first);
  useEffect(() => onAct((asked, subject) => subject === id && actions.includes(asked) && set(asked)), [id]);
  return [action, () => set("")];
}

/** A message whose words can be edited, and which can be asked for otherwise. */
export function Editable({ messageId, role, model, speaker, limit, accepted, children }) {
  const [action, close] = useAction(messageId, ["edit", "wish"], () => underWayAbout(messageId)?.about.how ?? "");
  if (!action) return children;
  const isWish = action === "wish";
  const field = (
    <WordsField
      key={action}
      about={{ how: action, id: messageId }}
      model={(isWish && speaker) || model}
      label={isWish ? t("message.wish") : t("message.edit")}
      save={isWish || role === "user" ? t("action.send") : t("action.save")}
      limit={limit}
      accepted={accepted}
      onClose={close}
    />
  );
  return isWish ? <>{children}{field}</> : field;
}

export const EditButton = ({ messageId, className }) => (
  <button type="button" className={className} aria-label={t("action.edit")} title={t("action.edit")} onClick={() => act("edit", messageId)}>
    <Icon name="pencil" />
  </button>
);

function WordsField({ about, model, label, save, limit, accepted, onClose }) {
  const place = placeOf(about);
  const messageId = about.how === "edit" ? about.id : "";
  const [sent, setSent] = useState(() => underWayAbout(about.id, about.how));
  const [written, set] = useState(() => (sent ? { out: [], ...sent.draft } : recall(place, isEdit, sessionStorage)));
  const [, look] = useState(0);
  const words = useWords(messageId);
  const { text, out } = written ?? { text: textOf(messageId), out: [] };
  const field = useRef(null);
  const length = lengthOf(text, limit);
  const isOver = length > limit;
  const given = (words?.parts ?? []).filter(isGiven);
  const files = given.filter(({ attachment_id: id }) => !out.includes(id));
  const isKnown = !messageId || Boolean(words); // or else files would be left out that nobody has seen
  const canSend = Boolean(text.trim() || files.length) && isKnown && !isOver && !sent;
  useEffect(() => {
    field.current.focus();
    if (!written) field.current.select(); // also words that came late, but none that were begun meanwhile
  }, [messageId, isKnown]);
  const close = () => {
    if (sent) take(sent);
    forget(place, sessionStorage);
    onClose();
  };
  useEffect(() => {
    if (!sent) return undefined;
    if (accepted === sent.key) return onClose();
    return onOutbox((entry) => (entry?.key === sent.key && entry.refusal ? setSent(undefined) : look((n) => n + 1)));
  }, [sent, accepted]);
  const change = (changes) => {
    set({ text, out, ...changes });
    keep(place, { text, out, ...changes }, sessionStorage);
  };
  const remove = ({ attachment_id: id }) => {
    change({ out: [...out, id] });
    field.current.focus();
  };
  const submit = () => {
    if (!canSend) return;
    const left = out.length ? files.map(fileOf) : undefined; // or else all
    const entry = put({ text, out, pasted: [], files: left }, { conversationId: idHere(), about, model });
    setSent(entry);
    deliver(entry);
  };
  const onKeyDown = (event) => {
    if (isComposing(event)) return;
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) submit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="edit">
      <EditFiles files={files} isSent={Boolean(sent)} onRemove={remove} />
      <textarea ref={field} dir="auto" rows={messageId ? 3 : 1} value={text} readOnly={Boolean(sent)} aria-label={label} placeholder={label} onChange={(event) => change({ text: event.target.value })} onKeyDown={onKeyDown} />
      {isOver && <p className="limit" role="alert">{t("composer.over", { limit: number(limit), length: number(length) })}</p>}
      {sent && troubles.has(sent.key) && <p className="limit" role="status">{t(`trouble.${troubles.get(sent.key)}`)}</p>}
      <div className="row">
        <button type="button" className="button" onClick={close}>{t("action.cancel")}</button>
        <button type="button" className="button primary" disabled={!canSend} onClick={submit}>{save}</button>
      </div>
    </div>
  );
}

/** A row of the sidebar whose title can be given anew. */
export function Renamable({ conversationId, title, label, onRename, children }) {
  const [action, close] = useAction(conversationId, ["rename"]);
  return action ? <TitleField title={title} label={label} onClose={close} onSave={(text) => onRename(conversationId, text)} /> : children;
}

function TitleField({ title, label, onSave, onClose }) {
  const [text, setText] = useState(title);
  const field = useRef(null);
  useEffect(() => {
    field.current.focus();
    field.current.select();
  }, []);
  const isOver = useRef(false); // a field that goes loses the focus too
  const end = (isKept) => {
    if (isOver.current) return;
    isOver.current = true;
    onClose();
    if (isKept && text.trim() && text !== title) onSave(text);
  };
  const onKeyDown = (event) => {
    if (isComposing(event) || !["Escape", "Enter"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    end(event.key === "Enter");
  };
  return <input ref={field} dir="auto" className="edit-title" value={text} aria-label={label} onChange={(event) => setText(event.target.value)} onKeyDown={onKeyDown} onBlur={() => end(true)} />;
}
