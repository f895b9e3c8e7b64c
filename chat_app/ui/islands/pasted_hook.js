// What is pasted into the field, as a React hook: files go with the message, and a long text is folded away.
import { pastedFiles } from "./given_files_hook.js";

const LONG_CHARS = 4000;
const LONG_LINES = 60;

/** What the field does with a paste, and what the folded ones can do. */
export function usePasted(draft, change, take) {
  const onPaste = (event) => {
    const files = pastedFiles(event);
    if (files.length) {
      event.preventDefault();
      take(files);
      return;
    }
    const paste = event.clipboardData.getData("text/plain");
    if (paste.length <= LONG_CHARS && paste.split("\n", LONG_LINES + 1).length <= LONG_LINES) return;
    event.preventDefault();
    change({ ...draft, pasted: [...draft.pasted, paste] });
  };
  const drop = (index) => change({ ...draft, pasted: draft.pasted.filter((_, i) => i !== index) });
  const keepAsText = (index) => change({ ...draft, text: draft.text + draft.pasted[index], pasted: draft.pasted.filter((_, i) => i !== index) });
  return { onPaste, drop, keepAsText };
}
