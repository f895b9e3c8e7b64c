// JSON set out to be read. It is not parsed and written anew: that would round long numbers and drop names given twice.
const TOKEN = /"(?:[^"\\]|\\.)*"|[{[]\s*[\]}]|[{[\]},:]|\s+/g;

/** The text on lines of its own; what is no JSON, or not whole yet, as it came. */
export function laidOut(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  return text.replace(TOKEN, (token) => {
    const first = token[0];
    if (first === '"') return token;
    if ("{[".includes(first) && token.length > 1) return first + token.at(-1);
    if ("{[".includes(first)) {
      depth += 1;
      return first + line();
    }
    if ("]}".includes(first)) {
      depth -= 1;
      return line() + first;
    }
    if (first === ",") return first + line();
    return first === ":" ? ": " : ""; // all else is white space
  });
}
