// Edits words in place: a question in the transcript, or a title in the sidebar.
import { useEffect, useRef, useState } from "react";
import { t } from "./i18n.js";
import { subscribe, textOf } from "./words.js";

export function EditField({ messageId, value, label, multiline, onSave, onCancel }) {
  const [text, setText] = useState(() => (messageId ? textOf(messageId) : value));
  const field = useRef(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select?.();
    return messageId ? subscribe(messageId, () => setText((now) => now || textOf(messageId))) : undefined;
  }, [messageId]);
  const save = () => text.trim() && onSave(text, crypto.randomUUID?.() ?? String(Date.now()));
  const onKeyDown = (event) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") onCancel();
    else if (event.key === "Enter" && (!multiline || event.metaKey || event.ctrlKey)) save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const props = { ref: field, value: text, "aria-label": label, onChange: (e) => setText(e.target.value), onKeyDown };
  if (!multiline) return <input className="edit-title" {...props} onBlur={() => (text.trim() && text !== value ? save() : onCancel())} />;
  return (
    <div className="edit">
      <textarea rows={3} {...props} />
      <div className="row">
        <button type="button" className="button" onClick={onCancel}>{t("action.cancel")}</button>
        <button type="button" className="button primary" disabled={!text.trim()} onClick={save}>{t("action.send")}</button>
      </div>
    </div>
  );
}
