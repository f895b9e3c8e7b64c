// What waits to be sent in the open conversation, as a React hook.
import { useEffect, useRef, useState } from "react";
import { begin } from "./drafts.js";
import { changing, deliver, isGoing, onOutbox, put, take, takeUp, troubles, waiting } from "./outbox.js";

const NONE = [];
const LATE_MS = 4000;

/**
 * `model` answers what was sent before the page knew one. `isFree` says that nothing runs here, `accepted` which send the page's state has last heard of: between a delivery and that
 * word the next one waits. `onTurn` is told of each delivery here, `onRefusal` of words that come back.
 */
export function useOutbox(conversationId, { model, isFree, accepted, onTurn, onRefusal }) {
  const [seen, see] = useState(() => ({ conversationId, entries: waiting(conversationId) }));
  const entries = seen.conversationId === conversationId ? seen.entries : NONE; // of the one before, at the moment of change
  const root = useRef(""); // the key of the send that begins this conversation
  const [unseen, setUnseen] = useState(""); // the send that the state has not heard of yet
  const waiter = useRef(0);
  const [isLate, setLate] = useState(false); // the server has it, but this page is told nothing more
  const latest = useRef();
  latest.current = { onTurn, onRefusal };

  useEffect(() => {
    const look = (entry, turn) => {
      see({ conversationId, entries: waiting(conversationId) });
      if (!entry || entry.conversationId !== conversationId || (entry.isAdopted && !entry.about)) return;
      if (!turn) return latest.current.onRefusal(entry);
      if (!conversationId) begin(turn.conversation_id);
      setUnseen(entry.key);
      clearTimeout(waiter.current);
      waiter.current = setTimeout(() => setLate(true), LATE_MS);
      latest.current.onTurn(turn, entry.key);
    };
    look();
    takeUp();
    const stop = onOutbox(look);
    return () => {
      stop();
      root.current = "";
      setUnseen("");
      clearTimeout(waiter.current);
      setLate(false);
    };
  }, [conversationId]);

  useEffect(() => {
    if (accepted && accepted === unseen) {
      setUnseen("");
      clearTimeout(waiter.current);
      setLate(false);
    }
    const changes = changing(conversationId);
    changes.forEach(deliver);
    const [head] = entries;
    if (!head) return;
    if (head.refusal) {
      take(head);
      latest.current.onRefusal(head);
    } else if (head.isSent || (isFree && !unseen && !changes.length)) deliver({ ...head, model: head.model || model, isAdopted: false }); // no model was known yet
  }, [entries, isFree, accepted, unseen]);

  const send = (draft, { conversationId: id, model }) => {
    const entry = put(draft, { conversationId: id, root: root.current, model });
    if (!id) root.current = entry.root;
  };
  const takeBack = (entry) => {
    take(entry);
    return entry;
  };
  const isUnderWay = entries.some((entry) => isGoing(entry) && !troubles.has(entry.key)) || (Boolean(unseen) && !isLate);
  return { entries, isUnderWay, isLate, send, takeBack };
}
