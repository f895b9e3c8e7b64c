// The field people write in. It knows input methods, keeps drafts, and hands what is sent to the outbox, which lets go of
// the words only once the server has them. What is sent while an answer runs waits there for its end.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { act, onAct } from "./acts.js";
import { useDraft } from "./draft_hook.js";
import { draftOf, lengthOf, whole, write } from "./drafts.js";
import { number, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { useModel } from "./model_picker.jsx";
import { useOutbox } from "./outbox_hook.js";
import { PastedChip, WaitingChip } from "./pasted_chip.jsx";
import { stop as stopAnswers } from "./stop.js";

const LONG_CHARS = 4000;
const LONG_LINES = 60;
const SECOND_TAP_MS = 400;
const isTouch = () => matchMedia("(pointer: coarse)").matches;
const lastQuestion = () => [...document.querySelectorAll('article[data-role="user"][data-message-id]')].at(-1)?.dataset.messageId;

/** A question to begin with, written into the field. */
export const StartingPoint = ({ text }) => <button type="button" className="start" onClick={() => act("write", text)}>{text}</button>;

export function ComposerField({ conversationId, model: known, running, isLoaded, accepted, limit, onSent, children }) {
  const { id, draft, isKept, change, clear } = useDraft();
  const [model] = useModel(id, known);
  const [refusal, refuse] = useState("");
  const field = useRef(null);
  const text = whole(draft);
  const length = lengthOf(text, limit);
  const isOver = length > limit;
  const canSend = Boolean(text.trim()) && !isOver;

  useEffect(() => {
    refuse("");
    if (!isTouch()) field.current?.focus();
  }, [conversationId]);

  useLayoutEffect(() => {
    if (CSS.supports("field-sizing", "content")) return;
    field.current.style.height = "0";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [draft.text]);

  /** Words come back before those that were written meanwhile, to the conversation they were written in. */
  const giveBack = ({ conversationId: from, draft: words }) => {
    const since = draftOf(from || id);
    write(from || id, { text: [words.text, since.text].filter(Boolean).join("\n\n"), pasted: [...words.pasted, ...since.pasted] });
  };
  const { entries, isUnderWay, isLate, send, takeBack } = useOutbox(conversationId, {
    model,
    isFree: isLoaded && !running.length,
    accepted,
    onTurn: (turn, key) => {
      refuse("");
      onSent(turn.conversation_id, key);
    },
    onRefusal: (entry) => {
      if (!entry.about) giveBack(entry);
      refuse(entry.refusal);
    },
  });

  const submit = () => {
    if (!canSend) return;
    refuse("");
    send(draft, { conversationId: id, model });
    clear();
  };
  // What is under way to the server cannot be stopped there yet: it will be, as soon as it runs.
  const isUnwanted = useRef(false);
  const canStop = running.length > 0 || isUnderWay;
  const stop = () => {
    if (running.length) stopAnswers(running);
    else isUnwanted.current = true;
  };
  const tappedAt = useRef(0);
  const tapSend = () => {
    tappedAt.current = Date.now();
    submit();
  };
  const tapStop = () => Date.now() - tappedAt.current < SECOND_TAP_MS || stop(); // a second tap falls where Send became Stop
  useEffect(() => {
    if (running.length && isUnwanted.current) stopAnswers(running);
    if (running.length || !isUnderWay) isUnwanted.current = false;
  }, [running, isUnderWay]);

  useEffect(() => onAct((action, words) => {
    if (action === "stop" && canStop) stop();
    if (action !== "write") return;
    change({ ...draft, text: [draft.text, words].filter(Boolean).join("\n\n") });
    field.current.focus();
  }), [draft, running, isUnderWay]);

  const onKeyDown = (event) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return; // the key belongs to the input method
    const isCommand = event.metaKey || event.ctrlKey;
    if (event.key === "Enter" && (isCommand || (!event.shiftKey && !isTouch() && localStorage.getItem("chat_app.send") !== "command"))) {
      event.preventDefault();
      submit();
    } else if (event.key === "ArrowUp" && !event.altKey && !text) {
      act("edit", lastQuestion());
      event.preventDefault();
    }
  };
  const onPaste = (event) => {
    const paste = event.clipboardData.getData("text/plain");
    if (paste.length <= LONG_CHARS && paste.split("\n", LONG_LINES + 1).length <= LONG_LINES) return;
    event.preventDefault();
    change({ ...draft, pasted: [...draft.pasted, paste] });
  };
  const drop = (index) => change({ ...draft, pasted: draft.pasted.filter((_, i) => i !== index) });
  const keepAsText = (index) => change({ text: draft.text + draft.pasted[index], pasted: draft.pasted.filter((_, i) => i !== index) });

  return (
    <div className="composer" data-pending={entries.length > 0}>
      {entries.map((entry) => (
        <WaitingChip key={entry.key} entry={entry} onTakeBack={() => giveBack(takeBack(entry))} />
      ))}
      {draft.pasted.map((paste, index) => (
        <PastedChip key={index} paste={paste} onKeep={() => keepAsText(index)} onDrop={() => drop(index)} />
      ))}
      <textarea
        ref={field}
        id="composer"
        dir="auto"
        rows={1}
        aria-label={t("composer.label")}
        placeholder={t("composer.label")}
        value={draft.text}
        onChange={(event) => change({ ...draft, text: event.target.value })}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      {isOver && <p className="limit" role="alert">{t("composer.over", { limit: number(limit), length: number(length) })}</p>}
      {!isKept && <p className="limit" role="status">{t("composer.unkept")}</p>}
      {isLate && <p className="limit" role="alert">{t("composer.late")}</p>}
      {refusal && !isOver && <p className="limit" role="alert">{t(`refused.${refusal}`)}</p>}
      <div className="row">
        {children}
        <span className="grow" />
        {canStop && <button type="button" className="send" aria-label={t("composer.stop")} onClick={tapStop}><span className="stop" /></button>}
        {(!canStop || text) && (
          <button type="button" className="send" aria-label={t("composer.send")} disabled={!canSend} onClick={tapSend}><Icon name="arrow-up" /></button>
        )}
      </div>
    </div>
  );
}
