// Speech: a button that records, and while it does what is heard, for how long, and what is to become of it.
import { useSyncExternalStore } from "react";
import { toField } from "./acts.js";
import { clock } from "./given.jsx";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { discard, finish, onRecorder, pause, record, recorded, resume } from "./recorder.js";
import { toText } from "./transcripts.js";

/** Records; a second press ends that. */
export function RecordButton({ longest, mostFiles }) {
  const { phase } = useSyncExternalStore(onRecorder, recorded);
  const isOn = phase !== "idle";
  const press = () => (phase === "idle" ? record(longest) : phase === "asking" ? discard() : phase === "making" ? null : finish(mostFiles));
  return <button type="button" className="quiet icon-only record" aria-label={t("record.start")} title={t("record.start")} aria-pressed={isOn} onClick={press}><Icon name="mic" /></button>;
}

export function Recorder({ mostFiles, transcriber }) {
  const { phase, seconds, levels, error, isQuiet } = useSyncExternalStore(onRecorder, recorded);
  const isHeard = Boolean(transcriber?.id); // by somebody
  const told = error || (isQuiet ? t("record.quiet") : "");
  const end = async (event, then) => {
    toField(event);
    const key = await finish(mostFiles);
    if (key) then?.(key);
  };
  const canEnd = phase !== "asking" && phase !== "making";
  const isPaused = phase === "paused";
  return (
    <>
      {phase !== "idle" && (
        <div className={`recorder ${phase}`} role="group" aria-label={t("record.label")}>
          <span className="state" role="status">{t(`record.state.${phase}`)}</span>
          <span className="time" role="timer">{clock(seconds)}</span>
          <span className="levels" aria-hidden="true">{levels.map((level, index) => <i key={index} style={{ "--level": level }} />)}</span>
          <span className="row">
            {(isPaused || phase === "recording") && <button type="button" className="quiet" onClick={isPaused ? resume : pause}>{t(isPaused ? "record.resume" : "record.pause")}</button>}
            <button type="button" className="quiet" onClick={(event) => (toField(event), discard())}>{t("record.discard")}</button>
            <button type="button" className="quiet" disabled={!canEnd || !isHeard} title={isHeard ? transcriber.text : t("record.nobody")} onClick={(event) => end(event, (key) => toText(key, transcriber))}>{t("files.to_text")}</button>
            <button type="button" className="button" disabled={!canEnd} onClick={(event) => end(event)}>{t("record.attach")}</button>
          </span>
          {!isHeard && canEnd && <span className="note">{t("record.nobody")}</span>}
        </div>
      )}
      {told && <p className="limit" role="alert">{told}</p>}
    </>
  );
}
