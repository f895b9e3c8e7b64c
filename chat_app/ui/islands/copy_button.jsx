// Copies words and says so in place. Works on plain http too, where the clipboard API is missing.
import { useState } from "react";
import { t } from "./i18n.js";
import { textOf } from "./words.js";

async function write(text, html) {
  if (navigator.clipboard?.write && globalThis.ClipboardItem) {
    const kinds = { "text/plain": new Blob([text], { type: "text/plain" }) };
    if (html) kinds["text/html"] = new Blob([html], { type: "text/html" });
    await navigator.clipboard.write([new ClipboardItem(kinds)]);
    return;
  }
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

export function CopyButton({ text, html, messageId, className }) {
  const [isDone, setDone] = useState(false);
  const copy = async () => {
    const article = messageId && document.querySelector(`[data-message-id="${messageId}"] .body`);
    await write(messageId ? textOf(messageId) : text(), article?.innerHTML ?? html?.());
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" className={className} onClick={copy}>
      {isDone ? t("action.copied") : t("action.copy")}
    </button>
  );
}
