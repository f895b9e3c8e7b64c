// A button that opens a list: a menu of actions, or a listbox of choices. Arrow keys, Home, End, Enter, Esc, letters.
import { useEffect, useId, useRef, useState } from "react";

export function Picker({ label, text, items, selected, kind, listLabel, className, onPick }) {
  const [isOpen, open] = useState(false);
  const [at, setAt] = useState(0);
  const id = useId();
  const root = useRef(null);
  const button = useRef(null);
  const isList = kind === "listbox";

  useEffect(() => {
    if (!isOpen) return undefined;
    const away = (event) => root.current?.contains(event.target) || open(false);
    addEventListener("pointerdown", away);
    return () => removeEventListener("pointerdown", away);
  }, [isOpen]);
  useEffect(() => {
    if (isOpen) root.current.querySelectorAll("[data-item]")[at]?.focus();
  }, [isOpen, at]);

  const show = () => {
    setAt(Math.max(0, items.findIndex((item) => item.id === selected)));
    open(!isOpen);
  };
  const close = () => {
    open(false);
    button.current?.focus();
  };
  const pick = (item) => {
    if (item.disabled) return;
    close();
    onPick(item.id);
  };
  const onKeyDown = (event) => {
    if (!isOpen) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") close();
    else if (step) setAt((at + step + items.length) % items.length);
    else if (event.key === "Home") setAt(0);
    else if (event.key === "End") setAt(items.length - 1);
    else if (event.key.length === 1) {
      const found = items.findIndex((item) => item.text.toLowerCase().startsWith(event.key.toLowerCase()));
      if (found >= 0) setAt(found);
      return;
    } else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={root} className={`picker ${className ?? ""}`} onKeyDown={onKeyDown}>
      <button ref={button} type="button" aria-label={label} aria-haspopup={isList ? "listbox" : "menu"} aria-expanded={isOpen} aria-controls={isOpen ? id : undefined} onClick={show}>
        {text}
      </button>
      {isOpen && (
        <div id={id} className="popover" role={isList ? "listbox" : "menu"} aria-label={listLabel ?? label}>
          {items.map((item, index) => (
            <div
              key={item.id}
              data-item
              data-danger={item.danger || undefined}
              role={isList ? "option" : "menuitem"}
              aria-selected={isList ? item.id === selected : undefined}
              aria-disabled={item.disabled || undefined}
              tabIndex={index === at ? 0 : -1}
              onClick={() => pick(item)}
              onKeyDown={(event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), pick(item))}
            >
              <span>{item.text}</span>
              {item.note && <small>{item.note}</small>}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
