// A panel that a button at the composer opens, as a React hook: it stands in the top layer, and goes with Esc, a press beside it, or the focus.
import { useEffect, useRef, useState } from "react";
import { isNarrow, put, swallowTap } from "./picking.js";

/** Whether it is open, what opens and closes it, what puts it in its place, its elements' references, and its keys. */
export function usePanel() {
  const [isOpen, open] = useState(false);
  const [root, button, panel] = [useRef(null), useRef(null), useRef(null)];
  const place = () => put(panel.current, button.current);
  useEffect(() => {
    if (!isOpen) return undefined;
    place();
    const isOurs = (event) => root.current?.contains(event.target);
    const away = (event) => isOurs(event) || (open(false), isNarrow() && swallowTap());
    const left = (event) => event.target === document.body || isOurs(event) || open(false);
    addEventListener("pointerdown", away);
    addEventListener("focusin", left);
    addEventListener("resize", place); // a phone's keyboard that comes or goes is no reason to close
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("focusin", left);
      removeEventListener("resize", place);
    };
  }, [isOpen]);
  const close = () => {
    open(false);
    button.current.focus();
  };
  const onKeyDown = (event) => {
    if (!isOpen || event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  return { isOpen, open, close, place, root, button, panel, onKeyDown };
}
