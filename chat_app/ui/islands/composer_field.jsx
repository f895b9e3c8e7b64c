// The field people write in. It knows input methods, keeps drafts, and hands what is sent to the outbox, which lets go of
// the words only once the server has them. What is sent while an answer runs waits there for its end.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { act, onAct } from "./acts.js";
import { AttachButton } from "./attach_button.jsx";
import { useDraft } from "./draft_hook.js";
import { useColumnModel } from "./columns.js";
import { Compared } from "./compare_picker.jsx";
import { draftOf, lengthOf, whole, write } from "./drafts.js";
import { number, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { useModel } from "./model_picker.jsx";
import { useOutbox } from "./outbox_hook.js";
import { PastedChip, WaitingChip } from "./pasted_chip.jsx";
import { usePasted } from "./pasted_hook.js";
import { isTouch } from "./picking.js";
import { useStop } from "./stop_hook.js";
import { RecordButton, Recorder } from "./recorder.jsx";
import { Tray, Unable } from "./tray.jsx";
import { whyRefused } from "./uploads.js";
import { useFiles } from "./uploads_hook.js";

const lastQuestion = () => [...document.querySelectorAll('article[data-role="user"][data-message-id]')].at(-1)?.dataset.messageId;

/** A question to begin with, written into the field. */
export const StartingPoint = ({ text }) => <button type="button" className="start" onClick={() => act("write", text)}>{text}</button>;

export function ComposerField({ conversationId, model: known, running, aside, isLoaded, accepted, limit, mostFiles, longest, models, transcriber, onSent, onPick, children }) {
  const { id, draft, isKept, change, clear } = useDraft();
  const [model, pickModel] = useModel(id, known, onPick);
  const [refusal, refuse] = useState("");
  const field = useRef(null);
  const text = whole(draft);
  const { columns } = draft;
  const modelOf = useColumnModel(model);
  const asked = columns.length ? [...new Set(columns.map(modelOf))] : [model];
  const length = lengthOf(text, limit);
  const isOver = length > limit;
  const { isReady, said, take, hurry } = useFiles(id, draft.files, mostFiles);
  const hasSomething = Boolean(text.trim()) || draft.files.length > 0;
  const canSend = hasSomething && isReady && !isOver;

  useEffect(() => {
    refuse("");
    if (!isTouch() && !document.activeElement?.closest(".scroller")) field.current?.focus(); // whoever reads already goes on
  }, [conversationId]);
  useLayoutEffect(() => {
    if (CSS.supports("field-sizing", "content")) return;
    field.current.style.height = "0";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [draft.text]);

  /** Words come back before those that were written meanwhile, to the conversation they were written in. */
  const giveBack = ({ conversationId: from, draft: words }) => {
    const since = draftOf(from || id);
    const files = [...(words.files ?? []), ...since.files];
    write(from || id, { text: [words.text, since.text].filter(Boolean).join("\n\n"), pasted: [...words.pasted, ...since.pasted], files, columns: words.columns ?? since.columns });
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
      refuse(whyRefused(entry.refusal));
    },
  });

  const submit = () => {
    if (!isReady) hurry();
    if (!canSend) return;
    refuse("");
    send(draft, { conversationId: id, model });
    clear();
  };
  const { canStop, stop, tapSend, tapStop } = useStop(running, aside, isUnderWay);

  useEffect(() => onAct((action, words) => {
    if (action === "stop" && (canStop || aside.length)) stop();
    if (action !== "write") return;
    change({ ...draft, text: [draft.text, words].filter(Boolean).join("\n\n") });
    field.current.focus();
  }), [draft, running, aside, isUnderWay]);

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
  const { onPaste, drop, keepAsText } = usePasted(draft, change, take);

  return (
    <div className="composer" data-pending={entries.length > 0}>
      {entries.map((entry) => <WaitingChip key={entry.key} entry={entry} onTakeBack={() => giveBack(takeBack(entry))} />)}
      {draft.pasted.map((paste, index) => (
        <PastedChip key={index} paste={paste} onKeep={() => keepAsText(index)} onDrop={() => drop(index)} />
      ))}
      {draft.files.length > 0 && <Tray id={id} files={draft.files} transcriber={transcriber} />}
      {asked.map((each) => <Unable key={each} id={id} files={draft.files} model={each} models={models} transcriber={transcriber} onPick={columns.length ? null : pickModel} />)}
      <Compared columns={columns} onEnd={() => (change({ ...draft, columns: [] }), field.current.focus())} />
      <Recorder mostFiles={mostFiles} transcriber={transcriber} />
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
      {said && <p className="limit" role="status">{said}</p>}
      {isOver && <p className="limit" role="alert">{t("composer.over", { limit: number(limit), length: number(length) })}</p>}
      {!isKept && <p className="limit" role="status">{t("composer.unkept")}</p>}
      {isLate && <p className="limit" role="alert">{t("composer.late")}</p>}
      {refusal && !isOver && <p className="limit" role="alert">{refusal}</p>}
      <div className="row">
        <AttachButton onTake={take} />
        <RecordButton longest={longest} mostFiles={mostFiles} />
        {children}
        <span className="grow" />
        {canStop && <button type="button" className="send" aria-label={t("composer.stop")} onClick={tapStop}><span className="stop" /></button>}
        {(!canStop || hasSomething) && (
          <button type="button" className="send" aria-label={t("composer.send")} disabled={!hasSomething || isOver} aria-disabled={!canSend} onClick={() => tapSend(submit)}><Icon name="arrow-up" /></button>
        )}
      </div>
    </div>
  );
}
