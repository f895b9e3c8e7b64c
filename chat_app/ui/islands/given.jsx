// The files of a message, as they are shown: pictures, sound, and all else by its name.
import { useState } from "react";
import { bytes, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { useNear } from "./near_hook.js";
import { transcript } from "./transcripts.js";
import { view } from "./viewer.jsx";

const LONGEST = 320; // pixels of a picture that stands alone; among others it is a square
const SQUARE = 144;
const NEAR = "400px";

export const isSound = ({ media_type: kind }) => kind.startsWith("audio/");
export const isPicture = ({ media_type: kind }) => kind.startsWith("image/");
export const thumbOf = ({ id, attachment_id: sent }) => `/api/files/${sent ?? id}?as=thumb`;
const placeOf = ({ attachment_id: id }, way = "") => `/api/files/${id}${way}`;

/** What was attached while a message was written, as the message has it. */
export const partOf = ({ id, name, media_type, size_bytes, alt, facts }) => ({ type: "attachment", attachment_id: id, name, media_type, size_bytes, alt, facts });

/** The same the other way: a file of a message, as one that is to go with another. */
export const fileOf = ({ attachment_id: id, ...file }) => ({ key: id, id, ...file });

export const isGiven = ({ type }) => type === "attachment";

/** How large a file is, and how many pages it has. */
export const sizeOf = ({ size_bytes: size, facts }) =>
  [bytes(size), ...(facts?.pages ? [t("files.pages", { count: facts.pages })] : []), ...(facts?.seconds ? [clock(facts.seconds)] : [])].join(" · ");

/** Seconds as a player shows them. */
export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export function Given({ parts }) {
  const files = parts.filter(isGiven);
  return files.length ? <Files files={files} /> : null;
}

function Files({ files }) {
  const [ref, isNear] = useNear(NEAR);
  const pictures = files.filter(isPicture);
  const others = files.filter((file) => !isPicture(file) && !isSound(file));
  return (
    <div ref={ref} className="given">
      {pictures.length > 0 && (
        <div className="pictures">{pictures.map((file) => <Picture key={file.attachment_id} file={file} isAlone={pictures.length === 1} isNear={isNear} />)}</div>
      )}
      {files.filter(isSound).map((file) => <Sound key={file.attachment_id} file={file} isNear={isNear} />)}
      {others.map((file) => (
        <a key={file.attachment_id} className="file" href={placeOf(file, "?download=1")} download={file.name}>
          <Icon name="file" />
          <span className="name" dir="auto">{file.name}</span>
          <span className="size">{sizeOf(file)}</span>
        </a>
      ))}
    </div>
  );
}

/** A recording, and what is said in it. */
function Sound({ file, isNear }) {
  const [state, set] = useState({});
  const look = async (method) => {
    set({ isBusy: true });
    set(await transcript(file.attachment_id, null, method).then((text) => ({ text }), (error) => ({ error: String(error), text: "" })));
  };
  return (
    <>
      <audio controls preload={isNear ? "metadata" : "none"} src={placeOf(file)} aria-label={file.name} />
      <a className="size" href={placeOf(file, "?download=1")} download={file.name} dir="auto">{file.name} · {sizeOf(file)}</a>
      <details className="transcript" onToggle={({ currentTarget }) => currentTarget.open && state.text === undefined && !state.isBusy && look("GET")}>
        <summary>{t("spoken.label")}</summary>
        {state.text ? <p className="plain" dir="auto">{state.text}</p> : (
          <p className="note" role="status">
            {state.isBusy ? t("files.hearing") : state.error || t("spoken.none")}{" "}
            {state.text === "" && <button type="button" className="link" onClick={() => look("POST")}>{t("files.to_text")}</button>}
          </p>
        )}
      </details>
    </>
  );
}

/** The room of a picture is known before it comes, so that nothing moves when it does. */
function Picture({ file, isAlone, isNear }) {
  const [isGone, setGone] = useState(false);
  const { width, height } = file.facts ?? {};
  const scale = Math.min(1, LONGEST / Math.max(width, height, 1));
  const size = isAlone && width ? { width: Math.max(48, width * scale), height: Math.max(48, height * scale) } : { width: SQUARE, height: SQUARE };
  const style = { aspectRatio: `${size.width} / ${size.height}`, width: size.width };
  if (!isNear) return <span className="picture" role="img" aria-label={file.alt || file.name} style={style} data-file={JSON.stringify(file)} />;
  return (
    <button type="button" className={`picture ${isGone ? "gone" : ""}`} disabled={isGone} style={style} aria-label={t("files.open", { name: file.alt || file.name })} data-file={JSON.stringify(file)} onClick={(event) => view(event.currentTarget)}>
      <img src={thumbOf(file)} alt={file.alt} loading="lazy" decoding="async" onError={() => setGone(true)} />
      <span className="missing">{t("files.gone", { name: file.name })}</span>
    </button>
  );
}
