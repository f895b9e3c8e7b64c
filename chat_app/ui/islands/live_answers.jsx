// Follows the running answers of the open conversation while the page is visible, and says how they fare.
import { useEffect, useRef, useState } from "react";
import { useBeside } from "./beside.js";
import { t } from "./i18n.js";
import { useNameOf } from "./names.js";
import { Waiting } from "./waiting.jsx";
import { follow, subscribe, want, wordsOf } from "./words.js";

const AGAIN_MS = 2000;
const heard = new Set(); // the sends and resumptions that were looked after already, before this was mounted anew

export function LiveAnswers({ conversationId, running: inView, aside, resumed, accepted, messages, beside, problems, onSettled, children }) {
  const running = [...inView, ...aside];
  const [isVisible, setVisible] = useState(() => document.visibilityState === "visible");
  const [said, say] = useState("");
  const [failed, setFailed] = useState(""); // whose card says why: it comes a moment later than the end itself
  const [attempt, again] = useState(0);
  const call = useRef(onSettled);
  call.current = onSettled;
  const ids = running.join(",");
  const last = messages.at(-1);
  const lastId = last?.id;
  const isBeside = useBeside(last?.question, beside[lastId]?.[0].side_by_side); // where each column says for itself that it waits
  const nameOf = useNameOf();
  const modelOf = (id) => nameOf([...messages, ...Object.values(beside).flat()].find((message) => message.id === id)?.model ?? "");
  const model = modelOf(running[0]);
  const tell = (id) => (words) => {
    setFailed(words.status === "failed" ? id : "");
    const how = ending(words);
    say(how && isBeside ? t("status.ended_of", { name: modelOf(id), how }) : how);
  };

  useEffect(() => {
    const look = () => setVisible(document.visibilityState === "visible");
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);

  useEffect(() => {
    if (!conversationId || !ids || !isVisible) return undefined;
    setFailed("");
    say(running.length > 1 ? t("status.answering_several", { count: running.length }) : t("status.answering", { model }));
    let timer = 0;
    const stop = follow(conversationId, (id) => {
      call.current(id);
      if (id) return;
      ids.split(",").forEach(want); // the log knows of nothing running: the store has the words
      timer = setTimeout(() => again((n) => n + 1), AGAIN_MS); // unless its writer died, and the store will know soon
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [conversationId, ids, isVisible, model, attempt]);

  // It may have gone on and ended again before the page heard of it, with the same status as before.
  useEffect(() => {
    if (!resumed || heard.has(resumed)) return;
    heard.add(resumed);
    const [id] = resumed.split(":");
    whenRead(id, tell(id));
    want(id);
  }, [resumed]);

  // The same for a new answer: it is announced though nobody here saw it run.
  useEffect(() => {
    if (!accepted || heard.has(accepted)) return;
    heard.add(accepted);
    if (lastId && !running.includes(lastId)) onceSettled(lastId, tell(lastId));
  }, [accepted, lastId]);

  const before = useRef({ conversationId, running });
  useEffect(() => {
    const ended = before.current.running.filter((id) => !running.includes(id));
    if (before.current.conversationId === conversationId) ended.forEach((id) => onceSettled(id, tell(id)));
    before.current = { conversationId, running };
  }, [conversationId, ids]);

  return (
    <>
      <p className="visually-hidden" role="status">{failed ? failure(problems[failed], modelOf(failed)) : said}</p>
      {inView.length > 0 && !isBeside && <Waiting id={inView[0]} model={model}>{children}</Waiting>}
    </>
  );
}

const isSettled = (words) => words?.output_tokens !== undefined && words.status !== "streaming"; // as the store has them

/** Call back with a message's words when they are next read from the store, and settled. */
function whenRead(id, call) {
  const stop = subscribe(id, () => {
    const words = wordsOf(id);
    if (!isSettled(words)) return;
    stop();
    call(words);
  });
}

/** The same, at once where they have been read already. */
const onceSettled = (id, call) => (isSettled(wordsOf(id)) ? call(wordsOf(id)) : whenRead(id, call));

const failure = (problem, model) => problem && t("status.failed", { what: t(`problem.${problem.code}.what`, { ...problem, model }) });

const ending = ({ status, output_tokens: count }) => {
  if (status === "failed") return "";
  return status === "complete" && count ? t("status.complete_tokens", { count }) : t(`status.${status}`);
};
