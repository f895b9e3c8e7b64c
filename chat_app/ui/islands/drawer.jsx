// The sidebar: beside the page, or on a narrow one a drawer that a swipe opens, and Back, Esc or a swipe closes.
import { useEffect, useRef, useState } from "react";
import { Icon } from "./icons.jsx";

const TOGGLE = "chat_app.drawer";
const SWIPE_PX = 60;
const SLIDES = ".code pre, .table, .katex-display, .diagram, textarea, input"; // have their own use for a sideways finger
const NARROW = "(max-width: 767px)";
const isNarrow = () => matchMedia(NARROW).matches;

/** Calls with "right" or "left" once a finger has gone that way, and clearly not up or down. */
function onSwipe(call) {
  let from = null;
  const begin = ({ touches: [touch], target }) => {
    from = target.closest?.(SLIDES) ? null : { x: touch.clientX, y: touch.clientY };
  };
  const move = ({ touches: [touch] }) => {
    if (!from) return;
    const [x, y] = [touch.clientX - from.x, touch.clientY - from.y];
    if (Math.abs(x) < SWIPE_PX || Math.abs(x) < 2 * Math.abs(y)) return;
    from = null;
    call(x > 0 ? "right" : "left");
  };
  addEventListener("touchstart", begin, { passive: true });
  addEventListener("touchmove", move, { passive: true });
  return () => {
    removeEventListener("touchstart", begin);
    removeEventListener("touchmove", move);
  };
}

export function Drawer({ path, label, children }) {
  const [isOpen, open] = useState(false);
  const now = useRef(isOpen);
  now.current = isOpen;
  const wanted = useRef(null); // the link that was followed, while the drawer's own step is taken out of the history

  // An open drawer is a step of the history, so that Back takes it away and the page stays.
  const step = () => history.pushState({ ...history.state, drawer: true }, "");
  const show = () => {
    if (now.current) return;
    step();
    open(true);
  };
  const hide = () => (history.state?.drawer ? history.back() : open(false));

  const before = useRef(path);
  useEffect(() => {
    const hasBegun = !before.current.startsWith("/c/") && path.startsWith("/c/");
    before.current = path;
    if (hasBegun && now.current) step(); // the first send found its address, which took the drawer's step; nobody went away
    else open(false);
  }, [path]);
  useEffect(() => {
    const toggle = () => {
      if (!isNarrow()) document.body.toggleAttribute("data-sidebar-hidden");
      else if (now.current) hide();
      else show();
    };
    const onKey = (event) => event.key === "Escape" && !event.isComposing && now.current && hide();
    const onTurn = ({ matches }) => !matches && now.current && hide(); // a phone laid on its side may have room for both
    const width = matchMedia(NARROW);
    const onPop = () => {
      open(false);
      wanted.current?.click();
      wanted.current = null;
    };
    addEventListener(TOGGLE, toggle);
    addEventListener("keydown", onKey);
    addEventListener("popstate", onPop);
    width.addEventListener("change", onTurn);
    const stop = onSwipe((way) => isNarrow() && (way === "right" ? show() : now.current && hide()));
    return () => {
      removeEventListener(TOGGLE, toggle);
      removeEventListener("keydown", onKey);
      removeEventListener("popstate", onPop);
      width.removeEventListener("change", onTurn);
      stop();
    };
  }, []);

  const nav = useRef(null);
  useEffect(() => {
    document.querySelector("main")?.toggleAttribute("inert", isOpen);
    if (isOpen) nav.current.querySelector("a")?.focus();
  }, [isOpen]);
  const follow = (event) => {
    const link = event.target.closest("a[href]");
    if (!link || !history.state?.drawer || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    wanted.current = link;
    history.back();
  };
  const press = (event) => {
    if (event.key !== " " || event.target.getAttribute("role") !== "button") return;
    event.preventDefault(); // a button answers to the space bar, a link by itself does not
    event.target.click();
  };
  return (
    <>
      <nav ref={nav} className="sidebar" aria-label={label} data-open={isOpen} onClickCapture={follow} onKeyDown={press}>{children}</nav>
      {isOpen && <div className="scrim" onClick={hide} />}
    </>
  );
}

export const DrawerButton = ({ label }) => (
  <button type="button" className="icon drawer-button" aria-label={label} onClick={() => dispatchEvent(new Event(TOGGLE))}>
    <Icon name="menu" />
  </button>
);
