// What can be done with one of several answers side by side: while it runs, to stop it; then to vote for it, and to go on with it.
import { useEffect, useRef, useState } from "react";
import { useEnded } from "./ended_hook.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { useOnce } from "./once.js";
import { prefer } from "./preference.js";
import { stop } from "./stop.js";
import { Waiting } from "./waiting.jsx";
import { useWords } from "./words_hook.js";
import { textOf } from "./words.js";

const CAN_WIN = ["complete", "stopped"];

export function ColumnEnding({ id, name, others, isCurrent, onGoOn }) {
  const words = useWords(id);
  const isRunning = words?.status === "streaming";
  const root = useRef(null);
  const hadFocus = useRef(false);
  useEffect(() => {
    if (!isRunning && hadFocus.current && document.activeElement === document.body) root.current.focus(); // its button is gone
  }, [isRunning]);
  return (
    <div ref={root} className="beside-ending" tabIndex={-1} onFocus={() => { hadFocus.current = true; }} onBlur={() => { hadFocus.current = !document.hasFocus(); }}>
      {isRunning ? (
        <>
          <Waiting id={id} model={name} />
          <span className="grow" />
          <button key="stop" type="button" className="button" aria-label={t("beside.stop_of", { name })} onClick={() => void stop([id])}>{t("composer.stop")}</button>
        </>
      ) : <Choice id={id} name={name} others={others} words={words} onGoOn={onGoOn} />}
      {isCurrent && <p className="current">{t("beside.current")}</p>}
    </div>
  );
}

function Choice({ id, name, others, words, onGoOn }) {
  const [trouble, setTrouble] = useState("");
  const ended = useEnded(others);
  const vote = useOnce(async () => {
    setTrouble("");
    await prefer(id, ended).catch(setTrouble);
  });
  const goOn = useOnce(async () => {
    setTrouble("");
    await onGoOn().catch(setTrouble);
  });
  const canWin = CAN_WIN.includes(words?.status) && Boolean(textOf(id)) && ended.length > 0;
  return (
    <>
      {canWin && <button key="vote" type="button" className="button" aria-label={t("beside.vote_of", { name })} aria-pressed={Boolean(words.preferred)} onClick={() => void vote()}><Icon name="star" size={16} />{t("beside.vote")}</button>}
      <button key="go-on" type="button" className="button" aria-label={t("beside.go_on_of", { name })} onClick={() => void goOn()}>{t("beside.go_on")}</button>
      {trouble && <p className="limit" role="alert">{trouble}</p>}
    </>
  );
}
