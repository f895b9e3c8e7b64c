// The field people write in. It knows input methods, keeps drafts, queues while an answer runs, and lets go of the
// words only once the server has them.
import { useCallback, useEffect, useRef, useState } from "react";
import { idHere, isHere, placeOf, readDraft, saveDraft, whole } from "./drafts.js";
import { t } from "./i18n.js";
import { PastedChip } from "./pasted_chip.jsx";

const LONG_CHARS = 4000;
const LONG_LINES = 60;
const isTouch = () => matchMedia("(pointer: coarse)").matches;
const newKey = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;

export function ComposerField({ conversationId, model, running, accepted, refused, limit, fill, onSend, onStop, onEditLast, children }) {
  const [draft, setDraft] = useState(() => readDraft(idHere()));
  const [queued, setQueued] = useState(null);
  const [sent, setSent] = useState(null); // {key, draft} until the server has it
  const field = useRef(null);
  const saving = useRef(0);
  const text = whole(draft);
  const isOver = text.length > limit;
  const canSend = Boolean(text.trim()) && !isOver;

  const save = useCallback((value, id) => {
    clearTimeout(saving.current);
    saveDraft(id, value);
  }, []);
  const typedAt = useRef(""); // the address at which the field was last written in
  const change = (value) => {
    typedAt.current = location.pathname;
    setDraft(value);
    clearTimeout(saving.current);
    saving.current = setTimeout(() => save(value, idHere()), 300);
  };
  const latest = useRef(draft);
  latest.current = draft;

  // Another conversation: keep what was written there, bring back what was written here before. The address changes first,
  // so words may stand here already; and a first send gives the conversation its address, with the next words under way.
  const begun = useRef(false);
  useEffect(() => {
    const isWritten = typedAt.current === location.pathname && whole(latest.current);
    if (!isWritten && !begun.current) setDraft(readDraft(conversationId));
    begun.current = false;
    if (!isTouch()) field.current?.focus();
    const leave = () => (!typedAt.current || typedAt.current === placeOf(conversationId)) && save(latest.current, conversationId);
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
    };
  }, [conversationId, save]);

  useEffect(() => {
    if (fill) change({ text: fill.replace(/\u200b.*$/, ""), pasted: [] });
    if (fill) field.current?.focus();
  }, [fill]);

  useEffect(() => {
    if (sent && accepted === sent.key) setSent(null);
    if (sent && refused === sent.key) {
      setDraft((now) => (whole(now) ? now : sent.draft));
      setSent(null);
    }
  }, [accepted, refused, sent]);

  const submit = (value) => {
    const key = sent && whole(sent.draft) === whole(value) ? sent.key : newKey(); // the same words again: the same send
    setSent({ key, draft: value });
    begun.current = !conversationId;
    latest.current = { text: "", pasted: [] };
    setDraft(latest.current);
    saveDraft(conversationId, latest.current);
    onSend(whole(value), key, model);
  };
  const send = () => {
    if (!canSend) return;
    if (running || !isHere(conversationId)) {
      setQueued(draft);
      change({ text: "", pasted: [] });
    } else submit(draft);
  };
  // The second tap of a double one falls where Send has just become Stop.
  const stop = (event) => event.detail < 2 && onStop();
  useEffect(() => {
    if (running || !queued || sent) return undefined;
    const go = () => {
      if (!isHere(conversationId)) return;
      clearInterval(timer);
      setQueued(null);
      submit(queued);
    };
    const timer = setInterval(go, 50);
    go();
    return () => clearInterval(timer);
  }, [running, queued, sent, conversationId]);

  const onKeyDown = (event) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return; // the key belongs to the input method
    if (event.key === "Enter" && !event.shiftKey && !isTouch()) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && !event.altKey && !text) {
      event.preventDefault();
      onEditLast();
    } else if (event.key === "Escape" && running) onStop();
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
    <div className="composer" data-pending={sent ? "true" : "false"}>
      {queued && (
        <p className="chip">
          {t("composer.queued")} <button type="button" onClick={() => { change(queued); setQueued(null); }} aria-label={t("composer.unqueue")}>✕</button>
        </p>
      )}
      {draft.pasted.map((paste, index) => (
        <PastedChip key={index} paste={paste} onKeep={() => keepAsText(index)} onDrop={() => drop(index)} />
      ))}
      <textarea
        ref={field}
        id="composer"
        rows={1}
        aria-label={t("composer.label")}
        placeholder={t("composer.label")}
        value={draft.text}
        onChange={(event) => change({ ...draft, text: event.target.value })}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      {isOver && <p className="limit" role="alert">{t("composer.over", { limit, length: text.length })}</p>}
      <div className="row">
        {children}
        <span className="grow" />
        {running && !text ? (
          <button type="button" className="send" aria-label={t("composer.stop")} onClick={stop}><span className="stop" /></button>
        ) : (
          <button type="button" className="send" aria-label={t("composer.send")} disabled={!canSend} onClick={send}>↑</button>
        )}
      </div>
    </div>
  );
}
