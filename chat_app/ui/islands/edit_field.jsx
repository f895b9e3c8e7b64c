// Edits words in place: a question or an answer in the transcript, a wish for another answer, a title in the sidebar.
// What is being written is kept in this tab until the server has it, whatever becomes of the page meanwhile.
import { useEffect, useRef, useState } from "react";
import { act, onAct } from "./acts.js";
import { newKey } from "./drafts.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { forget, keep, recall } from "./kept.js";
import { subscribe, textOf } from "./words.js";

const isText = (value) => typeof value === "string";
const isComposing = (event) => event.nativeEvent.isComposing || event.keyCode === 229;

/** Which of `actions` was asked for here and is under way; "" when none is. */
function useAction(id, actions) {
  const [action, set] = useState("");
  useEffect(() => onAct((asked, subject) => subject === id && actions.includes(asked) && set(asked)), [id]);
  return [action, () => set("")];
}

const sent = new Map(); // the key of what is on its way → where its words are kept

/** A message whose words can be edited, and which can be asked for otherwise. */
export function Editable({ messageId, role, accepted, refused, onEdit, onWish, children }) {
  const [action, close] = useAction(messageId, ["edit", "wish"]);
  // An edited question makes way for its new version at once: whoever is there then forgets the words that were sent.
  useEffect(() => {
    if (sent.has(accepted)) forget(sent.get(accepted), sessionStorage);
    sent.delete(accepted);
  }, [accepted]);
  if (!action) return children;
  const isWish = action === "wish";
  const field = (
    <WordsField
      key={action}
      place={`chat_app.${action}.${messageId}`}
      messageId={isWish ? "" : messageId}
      label={isWish ? t("message.wish") : t("message.edit")}
      save={isWish || role === "user" ? t("action.send") : t("action.save")}
      accepted={accepted}
      refused={refused}
      onSave={(text, key) => (isWish ? onWish : onEdit)(messageId, text, key)}
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

function WordsField({ place, messageId, label, save, accepted, refused, onSave, onClose }) {
  const [text, setText] = useState(() => recall(place, isText, sessionStorage) ?? (messageId ? textOf(messageId) : ""));
  const [key, setKey] = useState(""); // of what is on its way
  const field = useRef(null);
  useEffect(() => {
    field.current.focus();
    field.current.select();
    return messageId ? subscribe(messageId, () => setText((now) => now || textOf(messageId))) : undefined;
  }, [messageId]);
  const close = () => {
    forget(place, sessionStorage);
    onClose();
  };
  useEffect(() => {
    if (key && accepted === key) close();
    if (key && refused === key) setKey("");
  }, [key, accepted, refused]);
  const change = (value) => {
    setText(value);
    keep(place, value, sessionStorage);
  };
  const submit = () => {
    if (!text.trim() || key) return;
    const made = newKey();
    setKey(made);
    sent.set(made, place);
    onSave(text, made);
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
      <textarea ref={field} dir="auto" rows={messageId ? 3 : 1} value={text} aria-label={label} placeholder={label} onChange={(event) => change(event.target.value)} onKeyDown={onKeyDown} />
      <div className="row">
        <button type="button" className="button" onClick={close}>{t("action.cancel")}</button>
        <button type="button" className="button primary" disabled={!text.trim() || Boolean(key)} onClick={submit}>{save}</button>
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
