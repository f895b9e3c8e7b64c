// What a person thinks of an answer: two thumbs among its actions, and below them why, which nobody has to say.
import { useEffect, useRef, useState } from "react";
import { act, onAct } from "./acts.js";
import { ask } from "./ask.js";
import { number, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { hasTexts, useKept } from "./kept_hook.js";
import { useOnce } from "./once.js";
import { note, want, wordsOf } from "./words.js";
import { useWords } from "./words_hook.js";

const TAGS = { up: ["correct", "clear", "complete", "style"], down: ["wrong", "ignored", "incomplete", "long", "style", "refused", "harmful"] };
const MOST_COMMENT = 2000;
const placeOf = (id) => `chat_app.rating.${id}`;

const json = { "content-type": "application/json" };
const opened = new Set(); // ids of answers whose form is open, also when the page of a new chat becomes its conversation's
const underWay = new Map(); // id → the last change of its rating, which those that come wait for

const tell = async (id, rating) =>
  rating
    ? (await ask(`/api/messages/${id}/rating`, { method: "PUT", body: JSON.stringify(rating), headers: json })).rating
    : ask(`/api/messages/${id}/rating`, { method: "DELETE" });

/** Show it at once, and keep it after those that came before; raises the sentence that says why it is not kept. */
async function keep(id, rating) {
  const before = wordsOf(id)?.rating;
  note(id, { rating });
  const mine = (underWay.get(id) ?? Promise.resolve()).catch(() => null).then(() => tell(id, rating));
  underWay.set(id, mine);
  try {
    const kept = await mine;
    if (underWay.get(id) === mine) note(id, { rating: kept });
  } catch (sentence) {
    if (underWay.get(id) === mine) note(id, { rating: before });
    want(id); // the server knows
    throw sentence;
  }
}

export function RateButtons({ messageId }) {
  const rating = useWords(messageId)?.rating;
  return ["up", "down"].map((thumb) => (
    <button key={thumb} type="button" className="quiet icon-only thumb" aria-label={t(`rating.${thumb}`)} title={t(`rating.${thumb}`)} aria-pressed={rating?.thumb === thumb} onClick={() => act(`rate:${thumb}`, messageId)}>
      <Icon name={`thumb-${thumb}`} />
    </button>
  ));
}

/** Does what the thumbs ask for: opens with a new one, closes with one that is taken back, and says what could not be kept. */
export function RateForm({ messageId }) {
  const rating = useWords(messageId)?.rating;
  const [isOpen, setOpen] = useState(opened.has(messageId));
  const [trouble, setTrouble] = useState("");
  const open = (isWanted) => {
    opened[isWanted ? "add" : "delete"](messageId);
    setOpen(isWanted);
  };
  const press = async (thumb) => {
    const wanted = wordsOf(messageId)?.rating?.thumb === thumb ? null : { thumb }; // what another tab has said with it stays
    setTrouble("");
    open(Boolean(wanted));
    try {
      await keep(messageId, wanted);
    } catch (sentence) {
      open(false);
      setTrouble(sentence);
    }
  };
  useEffect(() => onAct((action, id) => id === messageId && action.startsWith("rate:") && void press(action.slice(5))));
  if (trouble) return <p className="limit" role="alert">{trouble}</p>;
  return isOpen && rating ? <Why key={rating.thumb} id={messageId} rating={rating} onClose={() => open(false)} /> : null;
}

const isForm = (kept) => hasTexts("comment")(kept) && Array.isArray(kept.tags);

function Why({ id, rating, onClose }) {
  const { typed, write, drop } = useKept(`${placeOf(id)}.${rating.thumb}`, { tags: rating.tags ?? [], comment: rating.comment ?? "" }, isForm);
  const [trouble, setTrouble] = useState("");
  const form = useRef(null);
  const { tags, comment } = typed;
  useEffect(() => void form.current.scrollIntoView({ block: "nearest" }), []);
  const close = () => {
    drop();
    form.current.closest("article").querySelector('.thumb[aria-pressed="true"]')?.focus();
    onClose();
  };
  const send = useOnce(async () => {
    try {
      await keep(id, { thumb: rating.thumb, tags, comment });
      close();
    } catch (sentence) {
      setTrouble(sentence);
    }
  });
  const toggle = (tag) => write({ tags: tags.includes(tag) ? tags.filter((each) => each !== tag) : [...tags, tag] });
  const onKeyDown = (event) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229 || event.key !== "Escape") return;
    event.stopPropagation();
    close();
  };
  const isOver = comment.length > MOST_COMMENT;
  return (
    <form ref={form} className="why" aria-label={t(`rating.why_${rating.thumb}`)} onKeyDown={onKeyDown} onSubmit={(event) => (event.preventDefault(), void send())}>
      <p>{t(`rating.why_${rating.thumb}`)}</p>
      <div className="row">
        {TAGS[rating.thumb].map((tag) => (
          <button key={tag} type="button" className="tag" aria-pressed={tags.includes(tag)} onClick={() => toggle(tag)}>{t(`rating.tag_${rating.thumb}_${tag}`)}</button>
        ))}
      </div>
      <textarea dir="auto" rows={2} value={comment} aria-label={t("rating.comment")} placeholder={t("rating.comment")} onChange={({ target }) => write({ comment: target.value })} />
      {isOver && <p className="limit" role="alert">{t("rating.over", { limit: number(MOST_COMMENT), length: number(comment.length) })}</p>}
      {trouble && <p className="limit" role="alert">{trouble}</p>}
      <div className="row">
        <button type="submit" className="button primary" disabled={isOver}>{t("rating.send")}</button>
        <button type="button" className="button" onClick={close}>{t("action.close")}</button>
      </div>
    </form>
  );
}
