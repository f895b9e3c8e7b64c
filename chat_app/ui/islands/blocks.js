// Markdown cut into blocks that are closed for good and one tail that is still open, line by line as text arrives.
// The cut depends on the text alone, never on how it came in pieces: only complete lines decide.

const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/m; // a line with more of them is code within a paragraph
const LIST = /^ {0,3}([-*+]|\d{1,9}[.)])(\s|$)/;
const MATH = /^\s*\$\$/;

export const emptyBlocks = () => ({ closed: [], open: "", done: 0, fence: "", math: false, blank: false });

/** Take in the text so far; `state` is what the last call returned for a beginning of it. */
export function advance(state, text) {
  let { open, done, fence, math, blank } = state;
  let closed = state.closed;
  let end;
  while ((end = text.indexOf("\n", done)) !== -1) {
    const line = text.slice(done, end + 1);
    done = end + 1;
    const isBlank = line.trim() === "";
    if (!fence && !math && blank && !isBlank && !continues(open, line)) {
      closed = [...closed, open];
      open = "";
    }
    open += line;
    blank = isBlank && !fence && !math;
    const mark = line.match(FENCE)?.[1];
    if (fence) {
      if (mark?.startsWith(fence) && line.trim() === mark) fence = "";
    } else if (mark && !math) fence = mark;
    else if (MATH.test(line) || math) {
      const pairs = (line.match(/\$\$/g) ?? []).length;
      if (pairs % 2) math = !math;
    }
  }
  return { closed, open, done, fence, math, blank };
}

/** Whether a line after an empty one still belongs to the open block: a list going on, or something indented in it. */
function continues(open, line) {
  const first = open.trimStart() === open ? open : open.replace(/^\s*\n/, "");
  if (!open.trim()) return true;
  return LIST.test(first) && (LIST.test(line) || /^\s{2,}\S/.test(line));
}

const UNDECIDED = /^\s*(?:\d{1,9})?$/; // may yet become a number of the list above

/** What stands on the page: the blocks that are closed, and the tail. The first signs of a line, as soon as they tell that it
 * begins a new block, close the one above: it is not parsed again for each word of the next. */
export function standing({ closed, open, done, fence, math, blank }, text) {
  const rest = text.slice(done);
  const isNew = blank && !fence && !math && open.trim() && !UNDECIDED.test(rest) && !continues(open, rest);
  return isNew ? { closed: [...closed, open], tail: rest } : { closed, tail: open + rest };
}

/** Definitions that other blocks refer to: such a text is rendered whole once it has ended. */
export const needsWhole = (text) => /^ {0,3}\[[^\]\n]+\]:\s*\S/m.test(text);

// Whatever may mean more than itself to Markdown, with its links by sight; and, at a line's beginning, lists and underlines.
const MEANS_MORE = /[\\`*_~$<>|#[\]!&@:]|www\.|^[ \t]*(?:[-+=]|\d+[.)])|^[ \t]{4}| {2}$|\n[ \t]*\n/im;

/** Whether a block is a paragraph of words that stand for themselves, so that no parser need look at it. */
export const isPlainParagraph = (text) => !MEANS_MORE.test(text) && /\S/.test(text);

const CODE = /(^ {0,3}(`{3,}(?=[^`\n]*\n)|~{3,})[^\n]*\n[\s\S]*?(?:^ {0,3}\2[`~]*[ \t]*$|$(?![\s\S])))|(`+)[^`][\s\S]*?\3(?!`)/gm;

/** Money stays money: only dollars that open and close a formula, by Pandoc's rule, stay; `\(…\)` and `\[…\]` become dollars. */
export function markMath(text) {
  let out = "";
  let at = 0;
  for (const code of text.matchAll(CODE)) {
    out += mathIn(text.slice(at, code.index)) + code[0];
    at = code.index + code[0].length;
  }
  return out + mathIn(text.slice(at));
}

const FORMULA =
  /\\\\|\\\$|\$\$[\s\S]+?\$\$|\\\[([\s\S]+?)\\\]|\\\((.+?)\\\)|\$(?![\s$])((?:\\.|[^$\\\n])*?(?:\\.|[^$\\\s]))\$(?!\d)|\$/g;

const mathIn = (text) =>
  text.replace(FORMULA, (whole, display, inline, dollars) => {
    if (display !== undefined) return `$$${display}$$`;
    if (inline !== undefined) return `$${inline.trim()}$`;
    if (dollars !== undefined || whole.length > 1) return whole;
    return "\\$";
  });
