// The files that go with the next message: how far each is, what a picture shows in words, and what the model makes of them.
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { toField } from "./acts.js";
import { isRare, lacking, needsOf } from "./abilities.js";
import { changeFile } from "./drafts.js";
import { isGiven, isPicture, isSound, sizeOf, thumbOf } from "./given.jsx";
import { number, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { hear, isBeingHeard, onTranscripts, toText, toWav } from "./transcripts.js";
import { again, canRetry, detach, onUploads, progressOf, stateOf } from "./uploads.js";
import { wordsOf } from "./words.js";

export function Tray({ id, files, transcriber }) {
  const list = useRef(null);
  const states = useSyncExternalStore(onUploads, () => files.map(stateOf).join());
  useEffect(() => {
    list.current.querySelector(".failed")?.scrollIntoView({ block: "nearest" });
  }, [states]); // of the others, too: what grows above it moves it
  return (
    <ul ref={list} className="tray" aria-label={t("files.tray")}>
      {files.map((file) => <Attached key={file.key} id={id} file={file} transcriber={transcriber} />)}
    </ul>
  );
}

function Attached({ id, file, transcriber }) {
  const progress = useSyncExternalStore(onUploads, () => progressOf(file.key));
  const isHearing = useSyncExternalStore(onTranscripts, () => isBeingHeard(file.key));
  const [isDescribed, describe] = useState(Boolean(file.alt));
  const state = useSyncExternalStore(onUploads, () => stateOf(file));
  const isSeen = isPicture(file) && state === "here";
  const remove = (event) => {
    toField(event);
    detach(id, file);
  };
  return (
    <li className={`attached ${state}`} aria-label={file.name}>
      {isSeen ? <img src={thumbOf(file)} alt={file.alt} width="56" height="56" /> : <Sort file={file} isHere={state === "here"} />}
      <span className="about">
        <span className="name" dir="auto" title={file.name}>{file.name}</span>
        {state === "under way" && <progress aria-label={t("files.progress", { name: file.name })} max="1" value={progress} />}
        {state === "here" && <span className="size">{sizeOf(file)}</span>}
        {state === "here" && lackOf(file) && <span className="note">{lackOf(file)}</span>}
        {state === "here" && file.note && <span className="note">{t(`files.note.${file.note}`)}</span>}
        {state === "failed" && <span className="why" role="alert">{file.error}</span>}
        {state === "elsewhere" && <span>{t("files.elsewhere")}</span>}
        {state === "lost" && <span className="why">{t("files.lost")}</span>}
        {state === "failed" && canRetry(file.key) && <button type="button" onClick={(event) => (toField(event), again(file.key))}>{t("action.retry")}</button>}
        {isHearing && <span role="status">{t("files.hearing")}</span>}
        {isSound(file) && state === "here" && !isHearing && (
          <button type="button" disabled={!transcriber?.id} title={transcriber?.text ?? t("record.nobody")} onClick={(event) => (toField(event), toText(file.key, transcriber))}>{t("files.to_text")}</button>
        )}
        {file.unheard && !isHearing && <span className="why" role="alert">{file.unheard}</span>}
        {isSeen && !isDescribed && <button type="button" onClick={() => describe(true)}>{t("files.describe")}</button>}
        {isSeen && isDescribed && (
          <input className="alt" dir="auto" autoFocus={!file.alt} value={file.alt} aria-label={t("files.alt", { name: file.name })} placeholder={t("files.describe")} onChange={(event) => changeFile(file.key, { alt: event.target.value })} />
        )}
      </span>
      <button type="button" className="quiet icon-only" aria-label={t(state === "under way" ? "files.cancel" : "files.remove", { name: file.name })} onClick={remove}><Icon name="x" /></button>
    </li>
  );
}

/** What models do not get of a document’s words. */
function lackOf({ media_type: kind, facts }) {
  const { wordless, scans = [] } = facts ?? {};
  if (wordless) return t(scans.length ? "files.wordless" : "files.wordless.lost", { count: number(wordless), sent: number(scans.length) });
  return /^(text|application)/.test(kind) && !facts?.characters ? t("files.no_text") : "";
}

/** What stands for a file that is no picture: what was said can be heard before it is sent. */
function Sort({ file, isHere }) {
  const player = useRef(null);
  const [isPlaying, play] = useState(false);
  if (!isHere || !isSound(file)) return <span className="sort"><Icon name="file" /></span>;
  const label = t(isPlaying ? "files.pause" : "files.play", { name: file.name });
  return (
    <>
      <audio ref={player} preload="none" src={`/api/files/${file.id}`} onPlay={() => play(true)} onPause={() => play(false)} />
      <button type="button" className="sort" aria-label={label} title={label} onClick={() => (isPlaying ? player.current.pause() : player.current.play())}><Icon name={isPlaying ? "pause" : "play"} /></button>
    </>
  );
}

/** What the files in view ask of a model, looked at when another is chosen: they go with every question. */
function useEarlierNeeds(id, model) {
  const [needs, see] = useState("");
  useEffect(() => {
    const shown = [...document.querySelectorAll("article[data-message-id]")].flatMap(({ dataset }) => wordsOf(dataset.messageId)?.parts ?? []);
    see(needsOf(shown.filter(isGiven)));
  }, [id, model]);
  return needs;
}

/** What becomes of files that the model cannot take, and who could. */
export function Unable({ id, files, model, models, transcriber, onPick }) {
  const earlier = useEarlierNeeds(id, model);
  const chosen = models.find(({ id }) => id === model);
  if (files.length && chosen?.note_key) return <p className="unable" role="status">{t("files.unable.built_in", { model })}</p>;
  const needs = needsOf(files);
  const lacks = needs ? lacking(chosen, needs) : [];
  const rare = lacks.includes("audio") ? [] : files.filter(isRare);
  const isEarlier = !lacks.length && !chosen?.note_key && lacking(chosen, earlier).length > 0;
  if (!lacks.length && !rare.length && !isEarlier) return null;
  const able = (asked) => models.find((each) => each.tags !== undefined && !lacking(each, asked).length);
  const other = able(`${needs} ${earlier}`) ?? able(needs || earlier);
  const then = (call) => (event) => (toField(event), call()); // what is pressed goes
  return (
    <p className="unable" role="status">
      {[...lacks.map((need) => t(`files.unable.${need}`, { model })), ...rare.map(({ name }) => t("files.rare", { name })), ...(isEarlier ? [t("files.unable.earlier", { model })] : [])].join(" ")}{" "}
      {rare.length > 0 && <button type="button" className="link" onClick={then(() => rare.forEach(({ key }) => toWav(key)))}>{t("files.to_wav")}</button>}{" "}
      {(lacks.includes("audio") || rare.length > 0) && transcriber?.id && (
        <button type="button" className="link" onClick={then(() => files.filter(isSound).forEach(({ key }) => hear(key, transcriber)))}>{t("files.hear", { model: transcriber.text })}</button>
      )}{" "}
      {(lacks.length > 0 || isEarlier) && other && onPick && <button type="button" className="link" onClick={then(() => onPick(other.id))}>{t("files.other", { model: other.text })}</button>}
    </p>
  );
}
