// The answers behind a figure, each a link to its place in its conversation.
import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { ask } from "./ask.js";
import { figureOf } from "./feedback_figures.js";
import { moment, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { reveal } from "./reveal.js";
import { Dialog } from "./shell.jsx";

export function AnswersDialog({ place, onClose }) {
  return (
    <Dialog isOpen={Boolean(place)} label={place ? t("feedback.answers_of", place) : ""} className="answers" onClose={onClose}>
      {place && <Answers place={place} onClose={onClose} />}
    </Dialog>
  );
}

const asked = ({ behind, model, version, days, offset, today, day, every }, before) => {
  const values = { what: behind, model, version, days, offset, today, ...(day === undefined ? {} : { day, every }), ...(before ? { before } : {}) };
  return `/api/feedback/answers?${new URLSearchParams(values)}`;
};

/** What is known of an answer, as far as it is. */
function facts(answer) {
  const { status, created_at: at } = answer;
  const told = ["first", "speed", "cost"].map((name) => [figureOf(name), figureOf(name).valueOf(answer)]).filter(([, value]) => value !== null);
  return [moment(at), ...(status === "complete" ? [] : [t(`feedback.${status === "stopped" ? "stopped" : "failed"}`)]), ...told.map(([{ name, show }, value]) => `${t(`feedback.${name}`)} ${show(value)}`)];
}

function Rating({ thumb, tags, comment }) {
  const why = [...tags.map((tag) => t(`rating.tag_${thumb}_${tag}`)), comment].filter(Boolean);
  return (
    <span className={`thought ${thumb}`}>
      <Icon name={`thumb-${thumb}`} />
      <span className="visually-hidden">{t(`rating.${thumb}`)}</span>
      {why.length > 0 && <span dir="auto">{why.join(" · ")}</span>}
    </span>
  );
}

function Answers({ place, onClose }) {
  const [told, setTold] = useState({ answers: [], has_more: true });
  const [isLoading, load] = useState(true);
  const [trouble, setTrouble] = useState("");
  const navigate = useNavigate();
  const more = async () => {
    load(true);
    setTrouble("");
    try {
      const found = await ask(asked(place, told.answers.at(-1)?.id));
      setTold({ answers: [...told.answers, ...found.answers], has_more: found.has_more });
    } catch (sentence) {
      setTrouble(String(sentence));
    }
    load(false);
  };
  useEffect(() => void more(), []);
  const go = (event, { id }) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
    event.preventDefault();
    reveal(id, navigate, onClose).catch((sentence) => setTrouble(String(sentence)));
  };
  return (
    <>
      <div className="row head">
        <h2 dir="auto">{t("feedback.answers_of", place)}</h2>
        <span className="grow" />
        <button type="button" className="quiet icon-only" aria-label={t("action.close")} title={t("action.close")} onClick={onClose}><Icon name="x" /></button>
      </div>
      <ul>
        {told.answers.map((each) => (
          <li key={each.id}>
            <a href={`/c/${each.conversation_id}`} onClick={(event) => go(event, each)}>
              <span className="title" dir="auto">{each.question || each.title}</span>
              <span className="said" dir="auto">{each.words || t("feedback.no_words")}</span>
              {each.rating && <Rating {...each.rating} />}
              <span className="muted figure">{facts(each).join(" · ")}</span>
            </a>
          </li>
        ))}
      </ul>
      {trouble && <p role="alert" className="limit">{trouble}</p>}
      <p role="status">{isLoading ? t("feedback.looking") : !told.answers.length && !trouble && t("feedback.nothing")}</p>
      {told.has_more && (told.answers.length > 0 || !isLoading) && <button type="button" className="button" aria-disabled={isLoading} onClick={() => isLoading || void more()}>{t("feedback.more")}</button>}
    </>
  );
}
