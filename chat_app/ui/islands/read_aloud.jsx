// Reads an answer aloud, by the voices of the browser; one at a time, and no longer than it is in view.
import { useEffect, useState } from "react";
import { language, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { languageOf } from "./scripts.js";
import { textOf } from "./words.js";

const MOST_CHARS = 200; // some voices fall silent in the middle of what is longer
const UNREAD = "pre, figure, table, .katex-html, .reasoning, .sources, .notice, button";

/** What an answer says, sentence by sentence, without its code. */
function sentencesOf(messageId) {
  const body = document.querySelector(`[data-message-id="${CSS.escape(messageId)}"] .body`)?.cloneNode(true);
  body?.querySelectorAll(UNREAD).forEach((node) => node.remove());
  const blocks = [...(body?.querySelectorAll("p, li, h1, h2, h3, h4, h5, h6, .plain") ?? [])].map((block) => block.textContent);
  const text = blocks.length ? blocks.join("\n") : textOf(messageId);
  const sentences = [...new Intl.Segmenter(language === "pseudo" ? "en" : language, { granularity: "sentence" }).segment(text)];
  return sentences.flatMap(({ segment }) => segment.match(new RegExp(`[^]{1,${MOST_CHARS}}`, "g"))).map((each) => each.trim()).filter(Boolean);
}

const PAGE = language === "zh-CN" ? "zh-CN" : "en";
const VOICES = { "zh-Hans": "zh-CN", "zh-Hant": "zh-TW", "": "en" };

function voiceOf(sentence) {
  const written = languageOf(sentence) ?? PAGE;
  return VOICES[written] ?? written;
}

export function ReadAloud({ messageId, className }) {
  const [isReading, read] = useState(false);
  useEffect(() => {
    if (!isReading) return undefined;
    const voice = globalThis.speechSynthesis;
    voice.cancel(); // another answer, whose button learns of it by its end
    const sentences = sentencesOf(messageId);
    sentences.forEach((sentence, index) => {
      const said = new SpeechSynthesisUtterance(sentence);
      said.lang = voiceOf(sentence);
      said.onend = () => index === sentences.length - 1 && read(false);
      said.onerror = () => read(false);
      voice.speak(said);
    });
    if (!sentences.length) read(false);
    return () => voice.cancel();
  }, [isReading, messageId]);
  if (!globalThis.speechSynthesis) return null;
  const label = isReading ? t("action.read_stop") : t("action.read");
  return (
    <button type="button" className={className} aria-label={label} title={label} aria-pressed={isReading} onClick={() => read(!isReading)}>
      <Icon name={isReading ? "square" : "volume"} />
    </button>
  );
}
