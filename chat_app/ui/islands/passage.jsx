// A document as it is read: a page at a time, opened at a passage, which is marked; the chunks it is found by can be shown.
import { useEffect, useRef, useState } from "react";
import { onAct } from "./acts.js";
import { fileOf, readText } from "./documents.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { Dialog } from "./shell.jsx";

const CHUNK = "document:";

/** What opens the place that a source stands at; null where it is of no document. */
export function placeOf({ ref, title, page }) {
  if (!ref?.startsWith(CHUNK)) return null;
  const chunk = ref.slice(CHUNK.length);
  return { id: chunk.slice(0, chunk.lastIndexOf(":")), chunk, title, page };
}

export function PassageDialog() {
  const [place, setPlace] = useState(null); // {id, title, chunk, page}
  useEffect(() => onAct((action, wanted) => action === "passage" && setPlace(wanted)), []);
  return (
    <Dialog isOpen={Boolean(place)} label={place?.title ?? ""} className="passage" onClose={() => setPlace(null)}>
      {place && <Passage key={place.chunk ?? place.id} place={place} onClose={() => setPlace(null)} />}
    </Dialog>
  );
}

/** A text cut where its chunks begin and where the passage does and ends: [{text, isMarked, chunk}]. */
function pieces({ text: whole, chunks }, marked) {
  const text = Array.from(whole); // places are counted in characters, of which JavaScript makes two of an emoji
  const passage = chunks.find(({ ref }) => ref === marked);
  const edges = [...chunks.map(({ begins }) => begins), ...(passage ? [passage.begins, passage.ends] : [])];
  const cuts = [...new Set([0, ...edges.filter((at) => at > 0 && at < text.length)])].sort((a, b) => a - b);
  return cuts.map((from, index) => ({
    text: text.slice(from, cuts[index + 1] ?? text.length).join(""),
    isMarked: Boolean(passage) && from >= passage.begins && from < passage.ends,
    chunk: chunks.find(({ begins }) => begins === from),
  }));
}

function Passage({ place, onClose }) {
  const [told, setTold] = useState(null);
  const [trouble, setTrouble] = useState("");
  const [where, go] = useState(place.chunk ? { chunk: place.chunk, page: place.page ?? 0 } : place.page ? { page: place.page } : { view: 0 });
  const [isLoading, load] = useState(true);
  const [showsChunks, showChunks] = useState(false);
  const body = useRef(null);
  useEffect(() => {
    let isOver = false;
    readText(place.id, where).then(
      (found) => isOver || (setTold(found), setTrouble(""), load(false)),
      (sentence) => isOver || (setTrouble(String(sentence)), load(false)),
    );
    return () => (isOver = true);
  }, [where]);
  useEffect(() => {
    if (!told) return;
    const mark = body.current.querySelector("mark");
    if (mark) mark.scrollIntoView({ block: "center" });
    else body.current.scrollTop = 0;
  }, [told]);
  const name = told?.page ? "documents.page" : "documents.part";
  const turn = (step) => !isLoading && told.view + step >= 0 && told.view + step < told.views && (load(true), go({ view: told.view + step }));
  const isAlone = !told || told.views === 1;
  const onKeyDown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !told || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.target.matches("input")) return;
    event.preventDefault();
    turn(step);
  };
  return (
    <div className="passage-inside" onKeyDown={onKeyDown}>
      <div className="row">
        <h2 className="name" dir="auto">{place.title}</h2>
        <span className="grow" />
        <a className="quiet icon-only" aria-label={t("viewer.download")} title={t("viewer.download")} href={fileOf(place.id)} download={place.title}><Icon name="download" /></a>
        <button type="button" className="quiet icon-only" aria-label={t("action.close")} title={t("action.close")} onClick={onClose}><Icon name="x" /></button>
      </div>
      <div className="row turning">
        {!isAlone && <button type="button" className="button" aria-disabled={told.view === 0} onClick={() => turn(-1)}>{t("documents.before")}</button>}
        {told && (told.page || !isAlone) && <span className="figure" role="status">{t(name, { number: told.page || told.view + 1, of: told.page ? told.pages : told.views })}</span>}
        {!isAlone && <button type="button" className="button" aria-disabled={told.view === told.views - 1} onClick={() => turn(1)}>{t("documents.after")}</button>}
        <span className="grow" />
        <label><input type="checkbox" checked={showsChunks} onChange={({ target }) => showChunks(target.checked)} />{t("documents.show_chunks")}</label>
      </div>
      {trouble && <p role="alert" className="limit">{trouble}</p>}
      <div ref={body} className={`passage-text${showsChunks ? " with-chunks" : ""}`} dir="auto" tabIndex={0} role="region" aria-label={place.title}>
        {told && !told.text.trim() && <p className="muted">{t("documents.blank")}</p>}
        {told && pieces(told, place.chunk).map(({ text, isMarked, chunk }, index) => (
          <span key={index} className={chunk ? "chunk" : undefined}>
            {showsChunks && chunk && <small className="chunk-name" aria-hidden="true">{`#${chunk.ref.slice(chunk.ref.lastIndexOf(":") + 1)}${chunk.heading ? ` · ${chunk.heading}` : ""}`}</small>}
            {isMarked ? <mark>{text}</mark> : text}
          </span>
        ))}
      </div>
    </div>
  );
}
