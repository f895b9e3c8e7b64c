// A question that was just sent stands in the conversation at once; the page's state hears of it later.
import { useEffect, useState } from "react";
import { useColumnName } from "./columns.js";
import { whole } from "./drafts.js";
import { t } from "./i18n.js";
import { Given, partOf } from "./given.jsx";
import { Folded } from "./message_body.jsx";
import { useNameOf } from "./names.js";
import { isGoing, onOutbox, troubles, waiting } from "./outbox.js";

const NOTHING = { entry: undefined, questionId: "" };
const underWay = (conversationId) => waiting(conversationId).find(isGoing);

/** What was sent into a conversation and is not among its messages yet; `accepted` is the send that the state last heard of. */
export function usePendingTurn(conversationId, messages, accepted) {
  const [sent, see] = useState(() => underWay(conversationId));
  const [landed, land] = useState(NOTHING); // the server has it, the state does not
  useEffect(() => {
    const look = (entry, turn) => {
      see(underWay(conversationId));
      if (turn && !entry.about && entry.conversationId === conversationId) land({ entry, questionId: turn.question_id });
    };
    look();
    const stop = onOutbox(look);
    return () => {
      stop();
      land(NOTHING);
      see(undefined);
    };
  }, [conversationId]);
  const isKnown = !landed.entry || landed.entry.key === accepted || messages.some(({ id }) => id === landed.questionId);
  return isKnown ? sent : landed.entry;
}

/** As the question and its answer will stand; while the server cannot be told, nobody answers. */
export function PendingTurn({ entry: { key, draft, model } }) {
  const nameOf = useNameOf();
  const columnName = useColumnName();
  const columns = draft.columns ?? [];
  return (
    <>
      <article className="message" data-role="user" data-status="complete" aria-label={t("message.yours")}>
        <div className="said">
          <Given parts={(draft.files ?? []).map(partOf)} />
          {whole(draft) && <div className="body user" data-loaded="true"><Folded text={whole(draft)} /></div>}
        </div>
        <div className="actions" />
      </article>
      {!troubles.has(key) && (
        columns.length ? (
          <section className="beside pending" style={{ "--columns": columns.length }}>
            <div className="beside-tabs" aria-hidden="true">{columns.map((column, at) => <span key={at} className="tab" data-selected={at === 0}>{columnName(column)}</span>)}</div>
            <div className="beside-columns">
              {columns.map((column, at) => <div key={at} className="beside-column"><Empty called={columnName(column)} /></div>)}
            </div>
          </section>
        ) : <Empty called={nameOf(model)} />
      )}
    </>
  );
}

const Empty = ({ called }) => (
  <article className="message" data-role="assistant" data-status="streaming" aria-busy="true" aria-label={t("message.by", { model: called })}>
    <div className="said"><p className="speaker"><b>{called}</b></p><div className="body assistant" data-loaded="true" /></div>
    <div className="actions" />
  </article>
);
