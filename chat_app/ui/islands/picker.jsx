// A button that opens a list: a menu of actions, or a listbox of choices. Arrow keys, Home, End, Enter, Esc, letters.
// An item marked `local` is asked of `subject` on this page. The list lies in the browser's top layer, so that nothing around it cuts it off.
import { useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { act, onAct } from "./acts.js";
import { idHere } from "./drafts.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { saved } from "./parameters.js";
import { find, isNarrow, put, swallowTap } from "./picking.js";

const TYPED_MS = 1000; // letters that come sooner are one word
const NOTHING = { text: "", at: -Infinity };

/** Whose a model is, what it takes and does, and what it cannot. */
const noted = ({ note, note_key: key, tags, cannot }) => [...(cannot ? [cannot] : []), note ?? t(key), ...(tags?.split(" ") ?? []).filter(Boolean).map((tag) => t(tag))].join(" · ");

export function Picker({ label, text, icon, items, selected, kind, listLabel, subject, opener, className, onPick }) {
  const [isOpen, open] = useState(false);
  const [at, setAt] = useState(0);
  const id = useId();
  const root = useRef(null);
  const button = useRef(null);
  const list = useRef(null);
  const isList = kind === "listbox";

  // Also when a row rises past this one: what React moves in the page falls out of the top layer.
  useLayoutEffect(() => {
    if (!isOpen || list.current.matches(":popover-open")) return;
    put(list.current, button.current);
    list.current.querySelectorAll("[data-item]")[at]?.focus();
  });
  useEffect(() => {
    if (!isOpen) return undefined;
    const away = (event) => {
      if (root.current?.contains(event.target)) return;
      open(false);
      if (isNarrow()) swallowTap();
    };
    const again = () => put(list.current, button.current); // a phone's keyboard that goes is no reason to close
    const moved = (event) => list.current?.contains(event.target) || open(false);
    addEventListener("pointerdown", away);
    addEventListener("resize", again);
    addEventListener("wheel", moved, { passive: true });
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("resize", again);
      removeEventListener("wheel", moved);
    };
  }, [isOpen]);
  // Also when the items change under an open list: with the one that had it the focus would go, and Esc with it.
  useEffect(() => {
    if (isOpen) list.current.querySelectorAll("[data-item]")[Math.min(at, items.length - 1)]?.focus();
  }, [isOpen, at, items]);

  const sought = useRef(NOTHING); // what is being typed, and when its last letter was
  const from = useRef(null); // what was left for the list, and is gone back to
  const show = () => {
    from.current = document.activeElement;
    sought.current = NOTHING;
    setAt(Math.max(0, items.findIndex((item) => item.id === selected)));
    open(!isOpen);
  };
  const close = () => {
    open(false);
    (from.current?.isConnected && from.current !== document.body ? from.current : button.current)?.focus();
  };
  useEffect(() => (opener ? onAct((action) => action === opener && show()) : undefined), [opener, isOpen, items, selected]);
  const pick = (item) => {
    close();
    if (item.local) act(item.id, subject);
    else if (isList) onPick(item.id);
    else saved(idHere()).then(() => onPick(item.id)); // what is done to an answer is done with what was changed before
  };
  const isTyping = ({ timeStamp }) => timeStamp - sought.current.at < TYPED_MS;
  const isOfName = (event) => isTyping(event) && find(items, `${sought.current.text} `, at) >= 0; // a blank
  const isChoice = (event) => event.key === "Enter" || (event.key === " " && !isOfName(event));
  const onKeyDown = (event) => {
    if (!isOpen) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") close();
    else if (step) setAt((at + step + items.length) % items.length);
    else if (event.key === "Home") setAt(0);
    else if (event.key === "End") setAt(items.length - 1);
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
      sought.current = { text: (isTyping(event) ? sought.current.text : "") + event.key.toLowerCase(), at: event.timeStamp };
      const found = find(items, sought.current.text, at);
      if (found >= 0) setAt(found);
      if (event.key === " ") event.preventDefault(); // the list would scroll
      return;
    } else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={root} className={`picker ${className ?? ""}`} onKeyDown={onKeyDown}>
      <button
        ref={button}
        type="button"
        aria-label={label}
        aria-description={icon ? undefined : text}
        title={icon && label}
        aria-haspopup={isList ? "listbox" : "menu"}
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={show}
      >
        {icon ? <Icon name={icon} /> : text}
      </button>
      {isOpen && (
        <div ref={list} id={id} popover="manual" className="popover" role={isList ? "listbox" : "menu"} aria-label={listLabel ?? label}>
          {items.map((item, index) => (
            <div
              key={item.id}
              data-item
              role={isList ? "option" : "menuitem"}
              aria-selected={isList ? item.id === selected : undefined}
              tabIndex={index === at ? 0 : -1}
              onClick={() => pick(item)}
              onKeyDown={(event) => isChoice(event) && (event.preventDefault(), pick(item))}
            >
              <span className={item.kind}>{item.text}</span>
              {(item.note || item.note_key) && <small className={item.kind}>{noted(item)}</small>}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
