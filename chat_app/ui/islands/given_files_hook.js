// Files that are dropped or pasted anywhere on the page, as a React hook.
import { useEffect, useRef, useState } from "react";

const TYPING = "input, textarea, [contenteditable]";

/** Whether files are held over the page; `onTake` gets those that are let go or pasted, and whether a folder was among them. */
export function useGivenFiles(onTake) {
  const [isOver, see] = useState(false);
  const latest = useRef(onTake);
  latest.current = onTake;
  useEffect(() => {
    const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
    const over = (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      see(true);
    };
    const away = (event) => event.relatedTarget ?? see(false); // out of the window
    const drop = (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      see(false);
      const items = [...event.dataTransfer.items].filter(({ kind }) => kind === "file");
      const files = items.filter((item) => !item.webkitGetAsEntry?.()?.isDirectory);
      latest.current(files.map((item) => item.getAsFile()), files.length < items.length);
    };
    const paste = (event) => {
      if (event.target.closest?.(TYPING)) return; // the field that has the focus sees to it
      const files = pastedFiles(event);
      if (!files.length) return;
      event.preventDefault();
      latest.current(files);
    };
    const listening = new AbortController();
    for (const [name, call] of Object.entries({ dragenter: over, dragover: over, dragleave: away, drop, paste })) {
      addEventListener(name, call, { signal: listening.signal });
    }
    return () => listening.abort();
  }, []);
  return isOver;
}

/** A line as an address says it, which some file managers put there. */
function decoded(line) {
  try {
    return decodeURI(line);
  } catch {
    return line; // no address
  }
}

/** Of what is pasted the files; words beside them, as Office puts there, are what is meant, but for their own names. */
export function pastedFiles({ clipboardData }) {
  const files = [...clipboardData.files];
  const lines = clipboardData.getData("text/plain").split(/[\r\n]+/).filter(Boolean);
  const isNames = lines.every((line, index) => [line, decoded(line)].some((each) => each.split(/[\\/]/).at(-1) === files[index]?.name));
  return isNames ? files : [];
}
