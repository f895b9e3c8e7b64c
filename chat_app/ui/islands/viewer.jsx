// A picture as large as the window, or larger: the arrows go through all that the conversation shows.
import { useEffect, useRef, useState } from "react";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";

const STEP = 1.5;
const MOST = 8;
const listeners = new Set();

/** Look at the picture of a button in the conversation. */
export function view(button) {
  const buttons = [...document.querySelectorAll(".picture[data-file]:not(:disabled)")];
  const files = buttons.map(({ dataset }) => JSON.parse(dataset.file));
  listeners.forEach((call) => call({ files, at: buttons.indexOf(button), button }));
}

export function Viewer() {
  const [seen, see] = useState(null);
  const [zoom, setZoom] = useState(1);
  const dialog = useRef(null);
  const stage = useRef(null);
  useEffect(() => {
    listeners.add(see);
    return () => listeners.delete(see);
  }, []);
  useEffect(() => {
    if (seen && !dialog.current.open) dialog.current.showModal();
    setZoom(1);
  }, [seen]);
  const close = () => dialog.current.close();
  const onClose = () => {
    seen?.button.focus();
    see(null);
  };
  const go = (step) => seen.files.length > 1 && see({ ...seen, at: (seen.at + step + seen.files.length) % seen.files.length });
  const scale = (factor) => setZoom((now) => Math.min(MOST, Math.max(1, now * factor)));
  const onKeyDown = (event) => {
    const act = { ArrowLeft: () => go(-1), ArrowRight: () => go(1), "+": () => scale(STEP), "=": () => scale(STEP), "-": () => scale(1 / STEP), 0: () => setZoom(1) }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };
  const file = seen?.files[seen.at];
  const shown = file?.media_type === "image/gif" ? "" : "?as=view"; // whose copy stands still
  const source = file && `/api/files/${file.attachment_id}`;
  return (
    <dialog ref={dialog} className="viewer" aria-label={t("viewer.label")} onClose={onClose} onKeyDown={onKeyDown} onClick={(event) => event.target === stage.current && close()}>
      {file && (
        <>
          <div className="row">
            <span className="name" dir="auto">{file.name}</span>
            {seen.files.length > 1 && <span className="figure">{seen.at + 1} / {seen.files.length}</span>}
            <span className="grow" />
            <button type="button" className="quiet icon-only" aria-label={t("viewer.smaller")} title={t("viewer.smaller")} disabled={zoom <= 1} onClick={() => scale(1 / STEP)}><Icon name="zoom-out" /></button>
            <button type="button" className="quiet icon-only" aria-label={t("viewer.larger")} title={t("viewer.larger")} disabled={zoom >= MOST} onClick={() => scale(STEP)}><Icon name="zoom-in" /></button>
            <a className="quiet icon-only" aria-label={t("viewer.download")} title={t("viewer.download")} href={`${source}?download=1`} download={file.name}><Icon name="download" /></a>
            <button type="button" className="quiet icon-only" aria-label={t("action.close")} title={t("action.close")} onClick={close}><Icon name="x" /></button>
          </div>
          <div ref={stage} className="stage" tabIndex={0} role="group" aria-label={file.alt || file.name}>
            <img key={file.attachment_id} src={source + shown} alt={file.alt || file.name} style={{ "--zoom": zoom, "--w": file.facts?.width || 1024, "--h": file.facts?.height || 1024 }} onDoubleClick={() => setZoom(zoom > 1 ? 1 : 2)} />
          </div>
          {seen.files.length > 1 && (
            <>
              <button type="button" className="turn back" aria-label={t("viewer.back")} onClick={() => go(-1)}>‹</button>
              <button type="button" className="turn on" aria-label={t("viewer.on")} onClick={() => go(1)}>›</button>
            </>
          )}
          {file.alt && <p className="caption" dir="auto">{file.alt}</p>}
        </>
      )}
    </dialog>
  );
}
