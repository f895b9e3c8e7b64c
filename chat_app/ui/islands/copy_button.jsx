// Copies words and says so in place. Works on plain http too, where the clipboard API is missing.
import { useState } from "react";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { textOf } from "./words.js";

async function write(text, html) {
  if (navigator.clipboard?.write && globalThis.ClipboardItem) {
    const kinds = { "text/plain": new Blob([text], { type: "text/plain" }) };
    if (html) kinds["text/html"] = new Blob([html], { type: "text/html" });
    try {
      await navigator.clipboard.write([new ClipboardItem(kinds)]);
      return true;
    } catch {
      // not allowed here: the older way may be
    }
  }
  const fill = (event) => {
    event.clipboardData.setData("text/plain", text);
    if (html) event.clipboardData.setData("text/html", html);
    event.preventDefault();
  };
  const before = document.activeElement;
  const field = document.createElement("textarea"); // something must be selected
  field.value = text;
  document.body.append(field);
  field.select();
  document.addEventListener("copy", fill, { once: true });
  const isCopied = document.execCommand("copy");
  document.removeEventListener("copy", fill);
  field.remove();
  before?.focus();
  return isCopied;
}

/** What an answer says, as HTML: without the bars, buttons and thoughts that the page shows with it. */
function htmlOf(messageId) {
  const body = document.querySelector(`[data-message-id="${messageId}"] .body`)?.cloneNode(true);
  body?.querySelectorAll(".cite").forEach((node) => node.replaceWith(node.textContent));
  body?.querySelectorAll("figcaption, button, .reasoning, .sources, .notice").forEach((node) => node.remove());
  return body?.innerHTML;
}

export function CopyButton({ text, messageId, className }) {
  const [isDone, setDone] = useState(false);
  const copy = async () => {
    const words = messageId ? textOf(messageId) : text();
    if (!words || !(await write(words, messageId && htmlOf(messageId)))) return; // none are there yet
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  const label = isDone ? t("action.copied") : t("action.copy");
  if (!messageId) return <button type="button" className={className} onClick={copy}>{label}</button>;
  return (
    <button type="button" className={className} aria-label={label} title={label} onClick={copy}>
      <Icon name={isDone ? "check" : "copy"} />
    </button>
  );
}
