// The rows of the documents' page: a file on its way, and a document with how far it is and what can be done with it.
import { useRef, useState } from "react";
import { sentenceOf } from "./ask.js";
import { fileOf, isDone, takeBack, tryAgain, useProgress } from "./documents.js";
import { sizeOf } from "./given.jsx";
import { date, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { useOnce } from "./once.js";
import { Picker } from "./picker.jsx";

export function PendingRow({ file }) {
  const { name, error, isRefused } = file;
  const sent = useProgress(file.key);
  return (
    <li aria-label={name} className="document">
      <Icon name="file" />
      <span className="about">
        <span className="name" dir="auto">{name}</span>
        {error ? <span className="why" role="alert">{error}</span> : <progress aria-label={t("files.progress", { name })} max="1" value={sent ?? 0} />}
        {!error && <span className="muted">{t(sent === 1 ? "documents.reading" : "documents.sending")}</span>}
      </span>
      {error && !isRefused && <button type="button" className="button" aria-label={t("documents.again", { name })} onClick={() => tryAgain(file)}>{t("action.retry")}</button>}
      <button type="button" className="quiet icon-only" aria-label={t(error ? "files.remove" : "files.cancel", { name })} onClick={() => takeBack(file)}><Icon name="x" /></button>
    </li>
  );
}

/** Why it is none to answer from; of kinds, those that are read here. */
const whyOf = (name, refused) => (refused.reason === "kind" ? t("documents.kind", { name }) : sentenceOf({ ...refused, values: { name, ...refused.values } }));

/** How far it is, in words. */
function stateOf({ refused, is_indexed: isIndexed, chunks, embedded }, hasMeaning) {
  if (refused) return "";
  if (!isIndexed) return t("documents.cutting", { count: chunks });
  return embedded < chunks && hasMeaning ? t("documents.embedding", { done: embedded, all: chunks }) : t(hasMeaning ? "documents.ready" : "documents.ready_words");
}

export function DocumentRow({ document, collections, hasMeaning, onAsk, onOpen, onMove, onRemove }) {
  const { id, name, pages, chunks, wordless, refused, collection } = document;
  const [isAsked, askFirst] = useState(false);
  const row = useRef(null);
  const remove = useOnce(onRemove);
  const keep = () => {
    askFirst(false);
    row.current.querySelector(".row-menu > button").focus();
  };
  const facts = [
    sizeOf(document), pages > 0 && t("documents.pages", { count: pages }), chunks > 0 && t("documents.chunks", { count: chunks }),
    collections.find((each) => each.id === collection)?.name, date(document.at),
  ];
  const elsewhere = [{ id: "", name: t("documents.no_collection") }, ...collections].filter((each) => each.id !== collection);
  const items = [
    { id: "ask", text: t("documents.ask") },
    ...(collections.length ? elsewhere.map((each) => ({ id: `to:${each.id}`, text: t("documents.move", { name: each.name }) })) : []),
    { id: "delete", text: t("documents.delete") },
  ];
  const pick = (action) => {
    if (action === "ask") onAsk();
    else if (action === "delete") askFirst(true);
    else onMove(action.slice(3));
  };
  return (
    <li ref={row} aria-label={name} className="document">
      <Icon name="file" />
      <span className="about">
        {refused ? <span className="name" dir="auto">{name}</span> : <button type="button" className="link name" dir="auto" onClick={onOpen}>{name}</button>}
        <span className="muted">{facts.filter(Boolean).join(" · ")}</span>
        {refused ? <span className="why">{whyOf(name, refused)}</span> : <span className={isDone(document, hasMeaning) ? "muted" : "growing"}>{stateOf(document, hasMeaning)}</span>}
        {wordless > 0 && !refused && <span className="muted">{t("documents.wordless", { count: wordless })}</span>}
        {isAsked && (
          <span className="row" role="group" aria-label={t("documents.sure", { name })} onKeyDown={(event) => event.key === "Escape" && (event.preventDefault(), keep())}>
            <span>{t("documents.sure", { name })}</span>
            <button type="button" className="button danger" onClick={remove}>{t("documents.delete")}</button>
            <button type="button" className="button" autoFocus onClick={keep}>{t("documents.keep")}</button>
          </span>
        )}
      </span>
      {!refused && <a className="quiet icon-only" href={fileOf(id)} download={name} aria-label={t("documents.download", { name })} title={t("viewer.download")}><Icon name="download" /></a>}
      {refused ? (
        <button type="button" className="quiet icon-only" aria-label={t("files.remove", { name })} onClick={remove}><Icon name="x" /></button>
      ) : (
        <Picker label={t("documents.actions", { name })} icon="ellipsis" kind="menu" items={items} onPick={pick} className="row-menu" />
      )}
    </li>
  );
}
