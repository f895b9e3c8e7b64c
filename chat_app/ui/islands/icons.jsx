// The icons of the islands: lucide's, one stroke and one size. What they mean is said by the button that holds one.
import ArrowDown from "lucide-react/dist/esm/icons/arrow-down.mjs";
import ArrowUp from "lucide-react/dist/esm/icons/arrow-up.mjs";
import ArrowUpToLine from "lucide-react/dist/esm/icons/arrow-up-to-line.mjs";
import BookOpen from "lucide-react/dist/esm/icons/book-open.mjs";
import Check from "lucide-react/dist/esm/icons/check.mjs";
import Download from "lucide-react/dist/esm/icons/download.mjs";
import File from "lucide-react/dist/esm/icons/file.mjs";
import Plus from "lucide-react/dist/esm/icons/plus.mjs";
import ZoomIn from "lucide-react/dist/esm/icons/zoom-in.mjs";
import ZoomOut from "lucide-react/dist/esm/icons/zoom-out.mjs";
import Columns3 from "lucide-react/dist/esm/icons/columns-3.mjs";
import Copy from "lucide-react/dist/esm/icons/copy.mjs";
import Ellipsis from "lucide-react/dist/esm/icons/ellipsis.mjs";
import Layers from "lucide-react/dist/esm/icons/layers.mjs";
import Mic from "lucide-react/dist/esm/icons/mic.mjs";
import Menu from "lucide-react/dist/esm/icons/menu.mjs";
import Pause from "lucide-react/dist/esm/icons/pause.mjs";
import Play from "lucide-react/dist/esm/icons/play.mjs";
import Pencil from "lucide-react/dist/esm/icons/pencil.mjs";
import Search from "lucide-react/dist/esm/icons/search.mjs";
import SlidersHorizontal from "lucide-react/dist/esm/icons/sliders-horizontal.mjs";
import RotateCw from "lucide-react/dist/esm/icons/rotate-cw.mjs";
import Square from "lucide-react/dist/esm/icons/square.mjs";
import Star from "lucide-react/dist/esm/icons/star.mjs";
import ThumbsDown from "lucide-react/dist/esm/icons/thumbs-down.mjs";
import ThumbsUp from "lucide-react/dist/esm/icons/thumbs-up.mjs";
import Undo2 from "lucide-react/dist/esm/icons/undo-2.mjs";
import Volume2 from "lucide-react/dist/esm/icons/volume-2.mjs";
import X from "lucide-react/dist/esm/icons/x.mjs";

const ICONS = { "arrow-down": ArrowDown, "arrow-up": ArrowUp, "arrow-up-to-line": ArrowUpToLine, book: BookOpen, check: Check, columns: Columns3, copy: Copy, download: Download, ellipsis: Ellipsis, file: File, layers: Layers, menu: Menu, mic: Mic, pause: Pause, pencil: Pencil, play: Play, plus: Plus, "rotate-cw": RotateCw, search: Search, sliders: SlidersHorizontal, square: Square, star: Star, "thumb-down": ThumbsDown, "thumb-up": ThumbsUp, undo: Undo2, volume: Volume2, x: X, "zoom-in": ZoomIn, "zoom-out": ZoomOut };

export function Icon({ name, size = 18 }) {
  const Drawn = ICONS[name];
  return <Drawn size={size} strokeWidth={1.75} aria-hidden="true" />;
}
