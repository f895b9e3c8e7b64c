// Gets files in: by a button, by a drop, by a paste.
import { useEffect, useRef } from "react";
import { onAct } from "./acts.js";
import { useGivenFiles } from "./given_files_hook.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { Picker } from "./picker.jsx";
import { isTouch } from "./picking.js";

const SUBJECT = "attach";
// A phone's own chooser offers its camera only where pictures alone are wanted, and its photos with all else last.
const WAYS = { camera: { accept: "image/*", capture: "environment" }, photos: { accept: "image/*" }, files: {} };

/** Chooses files, on a phone from its camera or photos, too; and takes what is dropped or pasted anywhere on the page. */
export function AttachButton({ onTake }) {
  const field = useRef(null);
  const isOver = useGivenFiles(onTake);
  const choose = (way) => {
    for (const name of ["accept", "capture"]) {
      if (WAYS[way][name]) field.current.setAttribute(name, WAYS[way][name]);
      else field.current.removeAttribute(name);
    }
    field.current.click();
  };
  useEffect(() => onAct((way, subject) => subject === SUBJECT && choose(way)), []);
  return (
    <>
      {isTouch() ? (
        <Picker label={t("files.attach")} icon="plus" kind="menu" items={Object.keys(WAYS).map((id) => ({ id, text: t(`files.from.${id}`), local: true }))} subject={SUBJECT} className="attach" />
      ) : (
        <button type="button" className="quiet icon-only attach" aria-label={t("files.attach")} title={t("files.attach")} onClick={() => choose("files")}><Icon name="plus" /></button>
      )}
      <input
        ref={field}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          onTake([...event.target.files]);
          event.target.value = ""; // the same file can be chosen again
        }}
      />
      {isOver && <div className="drop-place"><p>{t("files.drop")}</p></div>}
    </>
  );
}
