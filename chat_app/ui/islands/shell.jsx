// What belongs to the page as a whole: keys, a dialog, the toast, and telling the server that the page is here.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { act, onAct } from "./acts.js";
import { t } from "./i18n.js";
import "./outbox.js"; // what was under way goes on from any page

const isTyping = (target) => target.closest?.("input, textarea, [contenteditable]");

/** The tab's title tells of answers that run, and of those that ended unseen, whichever conversation they are in. */
export function PageTitle({ title, running, unread, isUnreadHere, onSeen }) {
  const [isVisible, setVisible] = useState(() => document.visibilityState === "visible");
  useEffect(() => {
    const look = () => setVisible(document.visibilityState === "visible");
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  useEffect(() => {
    document.title = `${running ? "● " : unread ? "✓ " : ""}${title || t("app.name")}`;
  }, [title, running, unread]);
  useEffect(() => {
    if (isVisible && isUnreadHere) onSeen();
  }, [isVisible, isUnreadHere]);
  return null;
}

export function Keys({ onNew, onReady }) {
  useEffect(() => {
    onReady();
  }, []);
  useLayoutEffect(() => { // before the page is painted: a key pressed as soon as it can be seen is not lost
    const onKeyDown = (event) => {
      if (event.isComposing || event.keyCode === 229) return;
      const command = event.metaKey || event.ctrlKey;
      const key = event.key.toLowerCase();
      if (command && event.shiftKey && key === "o") onNew();
      else if (command && key === "b" && !event.shiftKey) document.body.toggleAttribute("data-sidebar-hidden");
      else if (command && event.shiftKey && (key === ";" || key === ":")) copyLast();
      else if (command && key === "k" && !event.shiftKey) act("search");
      else if (command && key === "/") act("keys");
      else if (command && event.shiftKey && (key === "." || key === ">")) act("parameters");
      else if (key === "escape" && !event.defaultPrevented && openEdit() && !document.querySelector("dialog[open]")) openEdit().focus();
      else if (key === "escape" && !event.defaultPrevented && canStop()) act("stop");
      else if (key === "/" && !isTyping(event.target) && localStorage.getItem("chat_app.slash") !== "0") document.getElementById("composer")?.focus();
      else if (event.altKey && (key === "arrowup" || key === "arrowdown")) step(key === "arrowup" ? -1 : 1);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [onNew]);
  return null;
}

// Esc closes what is open before it stops an answer; menus keep the key to themselves.
const openEdit = () => document.querySelector(".edit textarea"); // pressed there, Esc closes it: from elsewhere no words are thrown away
const canStop = () => document.querySelector('[aria-busy="true"]') && !document.querySelector('dialog[open], .sidebar[data-open="true"]');
const articles = () => [...document.querySelectorAll("article[data-message-id]")];
const copyLast = () => articles().findLast((a) => a.dataset.role === "assistant")?.querySelector(".copy")?.click();

function step(by) {
  const all = articles();
  const middle = all.findIndex((article) => article.contains(document.activeElement));
  const next = all[middle === -1 ? (by < 0 ? all.length - 1 : 0) : Math.min(all.length - 1, Math.max(0, middle + by))];
  next?.focus();
}

export function Dialog({ isOpen, label, className, onClose, children }) {
  const ref = useRef(null);
  const isWanted = useRef(isOpen);
  isWanted.current = isOpen;
  useEffect(() => {
    if (isOpen && !ref.current.open) ref.current.showModal();
    if (!isOpen && ref.current.open) ref.current.close();
  }, [isOpen]);
  const onClosed = () => isWanted.current && onClose(); // the browser tells of what the page itself closed too
  return (
    <dialog ref={ref} aria-label={label} className={className} onClose={onClosed} onClick={(event) => event.target === ref.current && onClose()}>
      <div className="inside">{isOpen && children}</div>
    </dialog>
  );
}

/** A dialog that needs no server: an act of its name opens it, and closes it again. */
export function LocalDialog({ name, label, children }) {
  const [isOpen, open] = useState(false);
  useLayoutEffect(() => onAct((action) => action === name && open((now) => !now)), [name]); // as Keys does
  return (
    <Dialog isOpen={isOpen} label={label} onClose={() => open(false)}>
      {children}
      <button type="button" className="button" onClick={() => open(false)}>{t("action.close")}</button>
    </Dialog>
  );
}

/** Something happened; it can be undone for a while, which pauses while one looks at it. */
export function Toast({ text, mark, undo, seconds, onUndo, onGone }) {
  const [isHeld, hold] = useState(false);
  useEffect(() => hold(false), [mark]); // another one, whatever became of the last
  useEffect(() => {
    if (!text || isHeld) return undefined;
    const timer = setTimeout(onGone, seconds * 1000);
    return () => clearTimeout(timer);
  }, [text, mark, isHeld, seconds]);
  const on = { onMouseEnter: () => hold(true), onMouseLeave: () => hold(false), onFocus: () => hold(true), onBlur: () => hold(false) };
  return (
    <div role="status" className="toast-place">
      {text && (
        <div className="toast" {...on}>
          <span>{text}</span>
          {undo && <button type="button" onClick={onUndo}>{t("action.undo")}</button>}
        </div>
      )}
    </div>
  );
}

/** Calls when it comes into view, for lists that page as they scroll. */
export function Sentinel({ mark, onSeen }) {
  const ref = useRef(null);
  useEffect(() => {
    const watch = new IntersectionObserver((seen) => seen.some((e) => e.isIntersecting) && onSeen(), { rootMargin: "400px" });
    watch.observe(ref.current);
    return () => watch.disconnect();
  }, [mark]);
  return <div ref={ref} className="sentinel" />;
}
