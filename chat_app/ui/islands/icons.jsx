// The icons of the islands: lucide's, one stroke and one size. What they mean is said by the button that holds one.
import ArrowDown from "lucide-react/dist/esm/icons/arrow-down.mjs";
import ArrowUp from "lucide-react/dist/esm/icons/arrow-up.mjs";
import ArrowUpToLine from "lucide-react/dist/esm/icons/arrow-up-to-line.mjs";
import Check from "lucide-react/dist/esm/icons/check.mjs";
import Copy from "lucide-react/dist/esm/icons/copy.mjs";
import Ellipsis from "lucide-react/dist/esm/icons/ellipsis.mjs";
import Menu from "lucide-react/dist/esm/icons/menu.mjs";
import Pencil from "lucide-react/dist/esm/icons/pencil.mjs";
import SlidersHorizontal from "lucide-react/dist/esm/icons/sliders-horizontal.mjs";
import RotateCw from "lucide-react/dist/esm/icons/rotate-cw.mjs";
import Undo2 from "lucide-react/dist/esm/icons/undo-2.mjs";
import X from "lucide-react/dist/esm/icons/x.mjs";

const ICONS = { "arrow-down": ArrowDown, "arrow-up": ArrowUp, "arrow-up-to-line": ArrowUpToLine, check: Check, copy: Copy, ellipsis: Ellipsis, menu: Menu, pencil: Pencil, "rotate-cw": RotateCw, sliders: SlidersHorizontal, undo: Undo2, x: X };

export function Icon({ name, size = 18 }) {
  const Drawn = ICONS[name];
  return <Drawn size={size} strokeWidth={1.75} aria-hidden="true" />;
}
