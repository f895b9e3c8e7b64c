// What belongs to the page as a whole: keys, the drawer of a phone, a dialog, the toast, and telling the server that the
// page is here and in which time zone.
import { Component, useEffect, useRef, useState } from "react";
import { t } from "./i18n.js";

const isTyping = (target) => target.closest?.("input, textarea, [contenteditable]");

export function Keys({ onNew, onReady, onHelp }) {
  useEffect(() => {
    onReady(Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC");
  }, []);
  useEffect(() => {
    const onKeyDown = (event) => {
      if (event.isComposing || event.keyCode === 229) return;
      const command = event.metaKey || event.ctrlKey;
      const key = event.key.toLowerCase();
      if (command && event.shiftKey && key === "o") onNew();
      else if (command && key === "b" && !event.shiftKey) document.body.toggleAttribute("data-sidebar-hidden");
      else if (command && event.shiftKey && (key === ";" || key === ":")) copyLast();
      else if (command && key === "/") onHelp();
      else if (key === "/" && !isTyping(event.target) && localStorage.getItem("chat_app.slash") !== "0") document.getElementById("composer")?.focus();
      else if (event.altKey && (key === "arrowup" || key === "arrowdown")) step(key === "arrowup" ? -1 : 1);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [onNew, onHelp]);
  return null;
}

const articles = () => [...document.querySelectorAll("article[data-message-id]")];
const copyLast = () => articles().findLast((a) => a.dataset.role === "assistant")?.querySelector(".copy")?.click();

function step(by) {
  const all = articles();
  const middle = all.findIndex((article) => article.contains(document.activeElement));
  const next = all[middle === -1 ? (by < 0 ? all.length - 1 : 0) : Math.min(all.length - 1, Math.max(0, middle + by))];
  next?.focus();
}

export function Dialog({ isOpen, label, onClose, children }) {
  const ref = useRef(null);
  useEffect(() => {
    if (isOpen && !ref.current.open) ref.current.showModal();
    if (!isOpen && ref.current.open) ref.current.close();
  }, [isOpen]);
  return (
    <dialog ref={ref} aria-label={label} onClose={onClose} onClick={(event) => event.target === ref.current && onClose()}>
      {isOpen && children}
    </dialog>
  );
}

/** Something happened; it can be undone for a while, which pauses while one looks at it. */
export function Toast({ text, undo, seconds, onUndo, onGone }) {
  const [isHeld, hold] = useState(false);
  useEffect(() => {
    if (!text || isHeld) return undefined;
    const timer = setTimeout(onGone, seconds * 1000);
    return () => clearTimeout(timer);
  }, [text, isHeld, seconds]);
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

/** The sidebar: beside the page, or on a narrow one a drawer that Back and Esc close. */
export function Drawer({ path, label, children }) {
  const [isOpen, open] = useState(false);
  useEffect(() => open(false), [path]);
  useEffect(() => {
    const toggle = () => open((now) => !now);
    const onKey = (event) => event.key === "Escape" && open(false);
    addEventListener("chat_app.drawer", toggle);
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("chat_app.drawer", toggle);
      removeEventListener("keydown", onKey);
    };
  }, []);
  return (
    <>
      <nav className="sidebar" aria-label={label} data-open={isOpen}>{children}</nav>
      {isOpen && <div className="scrim" onClick={() => open(false)} />}
    </>
  );
}

export const DrawerButton = ({ label }) => (
  <button type="button" className="icon only-narrow" aria-label={label} onClick={() => dispatchEvent(new Event("chat_app.drawer"))}>
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 6h16M4 12h16M4 18h16" /></svg>
  </button>
);

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

/** A fault in the page itself: one sentence and a way on, in place of a blank page. */
class Boundary extends Component {
  state = { isFaulty: false };
  static getDerivedStateFromError() {
    return { isFaulty: true };
  }
  render() {
    if (!this.state.isFaulty) return this.props.children;
    return (
      <main className="greeting" role="alert">
        <h1>{t("fault.what")}</h1>
        <p>{t("fault.kept")}</p>
        <button type="button" className="button primary" onClick={() => location.reload()}>{t("fault.reload")}</button>
      </main>
    );
  }
}

/** Renders in the browser alone: language and colours are not known before. */
export function ClientOnly({ children }) {
  const [isHere, setHere] = useState(false);
  useEffect(() => setHere(true), []);
  return isHere ? <Boundary>{children}</Boundary> : null;
}
