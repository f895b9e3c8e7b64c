// Asks for the page of messages above, once for each, and once more where nothing came of it.
import { useRef, useState } from "react";

const AGAIN_MS = 2000;

/** [older, asks]: `older` asks, and `asks` changes when it may be asked again. */
export function useOlder(ref, onOlder) {
  const asked = useRef("");
  const [asks, askAgain] = useState(0);
  const older = () => {
    const first = ref.current.querySelector("article[data-message-id]")?.dataset.messageId;
    if (!first || asked.current === first) return;
    asked.current = first;
    setTimeout(() => {
      asked.current = "";
      askAgain((n) => n + 1);
    }, AGAIN_MS);
    onOlder(first);
  };
  return [older, asks];
}
