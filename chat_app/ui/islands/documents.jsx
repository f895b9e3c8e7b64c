// The page of documents: files are added, many at once, kept in collections, looked into, asked about and deleted.
import { useRef, useState } from "react";
import { useNavigate } from "react-router";
import { act } from "./acts.js";
import { DocumentRow, PendingRow } from "./document_rows.jsx";
import { addDocuments, makeCollection, moveDocument, removeCollection, removeDocument, useDocuments } from "./documents.js";
import { useGivenFiles } from "./given_files_hook.js";
import { t } from "./i18n.js";
import { useOnce } from "./once.js";
import { change } from "./parameters.js";

const ALL = "";
const FEW = 8; // documents that a look finds among themselves

/** Whether all words of what is looked for stand in a name. */
const isNamed = (name, sought) => sought.toLowerCase().split(/\s+/).every((word) => name.toLowerCase().includes(word));

/** Which collection is in view; a new one gets its name in place. */
function Collections({ told, chosen, onChoose, onMake }) {
  const [name, setName] = useState(null);
  const group = useRef(null);
  const close = () => {
    setName(null);
    setTimeout(() => group.current?.querySelector("button:last-of-type").focus());
  };
  const make = useOnce(async () => (await onMake(name)) && close());
  const countOf = (id) => told.documents.filter(({ collection }) => !id || collection === id).length;
  const button = (id, text) => (
    <button key={id} type="button" className="button" aria-pressed={chosen === id} onClick={() => onChoose(id)}><span dir="auto">{text}</span> <span className="muted figure">{countOf(id)}</span></button>
  );
  return (
    <div ref={group} className="collections" role="group" aria-label={t("documents.collections")}>
      {button(ALL, t("documents.all"))}
      {told.collections.map(({ id, name: called }) => button(id, called))}
      {name === null ? (
        <button type="button" className="button" onClick={() => setName("")}>{t("documents.new_collection")}</button>
      ) : (
        <form onSubmit={(event) => (event.preventDefault(), void make())}>
          <input aria-label={t("documents.collection_name")} placeholder={t("documents.collection_name")} value={name} maxLength={100} dir="auto" autoFocus
            onChange={({ target }) => setName(target.value)} onKeyDown={(event) => event.key === "Escape" && (event.preventDefault(), close())} />
          <button type="submit" className="button" disabled={!name.trim()}>{t("action.save")}</button>
        </form>
      )}
    </div>
  );
}

export function Documents() {
  const { told, trouble, pending } = useDocuments();
  const [chosen, choose] = useState(ALL);
  const [isSure, askFirst] = useState(false); // of a collection that is to be deleted
  const collection = told && !told.collections.some(({ id }) => id === chosen) ? ALL : chosen; // it may have gone
  const [sought, seek] = useState("");
  const [said, say] = useState("");
  const field = useRef(null);
  const navigate = useNavigate();
  const take = (files, hasFolder) => {
    say(hasFolder ? t("files.folder") : "");
    addDocuments(files, collection);
  };
  const isOver = useGivenFiles(take);
  const attempt = (work) => work().then(() => (say(""), true), (sentence) => (say(String(sentence)), false));
  const dissolve = useOnce(() => attempt(() => removeCollection(collection)).then(() => askFirst(false)));
  const askAbout = (id) => {
    change("", { documents: [id] });
    navigate("/new");
  };
  const onMake = (name) => attempt(async () => choose((await makeCollection(name)).id));
  const held = told?.documents.filter((each) => collection === ALL || each.collection === collection) ?? [];
  const shown = held.filter(({ name }) => isNamed(name, sought));
  const isListed = ({ key }) => told?.documents.some((each) => each.key === key); // heard of before its own answer has come
  const underWay = pending.filter((each) => !isListed(each) && (collection === ALL || each.collection === collection));
  const isEmpty = told && !held.length && !underWay.length;
  return (
    <section className="documents" aria-busy={told || trouble ? undefined : "true"}>
      <p className="muted">{t("documents.about")}</p>
      <div className="row">
        <button type="button" className="button primary" onClick={() => field.current.click()}>{t("documents.add")}</button>
        <input ref={field} type="file" multiple hidden onChange={(event) => (take([...event.target.files]), (event.target.value = ""))} />
        {collection !== ALL && <button type="button" className="button" disabled={!held.some(({ refused }) => !refused)} onClick={() => askAbout(collection)}>{t("documents.ask_all")}</button>}
        {collection !== ALL && <button type="button" className="button" aria-expanded={isSure} onClick={() => askFirst(!isSure)}>{t("documents.dissolve")}</button>}
      </div>
      {collection !== ALL && isSure && (
        <p className="row">{t("documents.dissolve_sure")} <button type="button" className="button danger" onClick={dissolve}>{t("documents.dissolve_yes")}</button></p>
      )}
      {told && <Collections told={told} chosen={collection} onChoose={(id) => (choose(id), askFirst(false))} onMake={onMake} />}
      {(told?.documents.length > FEW || sought) && <input type="search" aria-label={t("documents.seek")} placeholder={t("documents.seek")} value={sought} dir="auto" onChange={({ target }) => seek(target.value)} />}
      <p role="alert" className="limit">{said || trouble}</p>
      {isEmpty && <p className="empty">{t("documents.none")}</p>}
      {held.length > 0 && !shown.length && <p role="status" className="empty">{t("documents.none_named", { text: sought.trim() })}</p>}
      <ul aria-label={t("documents.title")}>
        {underWay.map((file) => <PendingRow key={file.key} file={file} />)}
        {shown.map((each) => (
          <DocumentRow
            key={each.id} document={each} collections={told.collections} hasMeaning={told.has_meaning} onAsk={() => askAbout(each.id)}
            onOpen={() => act("passage", { id: each.id, title: each.name })}
            onMove={(to) => attempt(() => moveDocument(each.id, to))} onRemove={() => attempt(() => removeDocument(each.id))}
          />
        ))}
      </ul>
      {isOver && <div className="drop-place"><p>{t("documents.drop")}</p></div>}
    </section>
  );
}
