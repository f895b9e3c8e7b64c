// Search over all that was said: what is typed is found by words and by meaning, and Enter opens the message.
import { useEffect, useId, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { act, onAct } from "./acts.js";
import { ask } from "./ask.js";
import { date, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { reveal } from "./reveal.js";
import { isFiltered, NO_FILTERS, queryOf, SearchFilters } from "./search_filters.jsx";
import { Dialog } from "./shell.jsx";

const TYPING_MS = 60;

export function SearchButton() {
  return (
    <button type="button" className="row-link" onClick={() => act("search")}>
      <Icon name="search" />
      <span className="title">{t("search.title")}</span>
      <kbd aria-hidden="true">{t(/Mac|iP/.test(navigator.platform) ? "search.key_mac" : "search.key")}</kbd>
    </button>
  );
}

export function SearchDialog({ models }) {
  const [isOpen, open] = useState(false);
  useEffect(() => onAct((action) => action === "search" && open((now) => !now)), []);
  return (
    <Dialog isOpen={isOpen} label={t("search.title")} className="search" onClose={() => open(false)}>
      <Search models={models} onDone={() => open(false)} />
    </Dialog>
  );
}

/** What the server finds for a text, a moment after the last key; what was found before stays until then. */
function useFound(text, filters) {
  const [found, setFound] = useState(null);
  const [fault, setFault] = useState("");
  const query = queryOf(text.trim(), filters);
  useEffect(() => {
    const given = new AbortController();
    const look = () =>
      ask(`/api/search?${query}`, { signal: given.signal }).then(
        (told) => given.signal.aborted || (setFound({ ...told, text: text.trim() }), setFault("")),
        (sentence) => given.signal.aborted || setFault(sentence),
      );
    const timer = setTimeout(look, text ? TYPING_MS : 0);
    return () => {
      clearTimeout(timer);
      given.abort();
    };
  }, [query]);
  return [found, fault];
}

function Search({ models, onDone }) {
  const [text, setText] = useState("");
  const [filters, setFilters] = useState(NO_FILTERS);
  const [chosen, choose] = useState(0);
  const [refused, refuse] = useState("");
  const [found, fault] = useFound(text, filters);
  const navigate = useNavigate();
  const list = useRef(null);
  const written = useRef(null);
  const id = useId();
  const isShown = found && text.trim() && found.text;
  const options = isShown ? [...found.titles, ...found.hits] : [];
  const at = Math.min(chosen, options.length - 1);
  useEffect(() => choose(0), [found]);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [at]);
  const isLate = found?.text !== text.trim(); // what is shown was found for other words
  const waits = useRef(false); // Enter was pressed before these were found
  const go = (option) => {
    if (option.message) return void reveal(option.message, navigate, onDone).catch(refuse);
    onDone();
    if (option.document) return act("passage", { id: option.document, title: option.title, chunk: option.chunk, page: option.page });
    navigate(`/c/${option.conversation}`);
  };
  useEffect(() => {
    if (waits.current && !isLate && options[0]) go(options[0]);
    if (!isLate) waits.current = false;
  }, [found]);
  const narrow = (changed) => {
    setFilters(changed);
    written.current.focus(); // the words go on
  };
  const onKeyDown = (event) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length) choose((at + step + options.length) % options.length);
    else if (event.key === "Enter" && isLate) waits.current = true;
    else if (event.key === "Enter" && options[at]) go(options[at]);
    else return;
    event.preventDefault();
  };
  const said = refused || fault || statusOf(found, isShown, options, filters);
  return (
    <>
      <div className="search-field">
        <Icon name="search" />
        <input ref={written} type="text" aria-label={t("search.title")} placeholder={t("search.placeholder")} value={text} dir="auto" autoFocus maxLength={1000} spellCheck="false"
          aria-controls={id} aria-activedescendant={at >= 0 ? `${id}-${keyOf(options[at])}` : undefined}
          onChange={(event) => (setText(event.target.value), refuse(""), (waits.current = false))} onKeyDown={onKeyDown} />
        <button type="button" className="quiet icon-only" aria-label={t("action.close")} onClick={onDone}><Icon name="x" /></button>
      </div>
      <SearchFilters models={models} filters={filters} onChange={narrow} />
      <ul ref={list} id={id} role="listbox" aria-label={t("search.results")} className="hits" hidden={!options.length}>
        {options.map((option, index) => (
          <Option key={keyOf(option)} id={`${id}-${keyOf(option)}`} option={option} isChosen={index === at} onGo={() => go(option)} />
        ))}
      </ul>
      <p role="status" className={`search-status${said ? "" : " unseen"}`}>
        {options.length > 0 && <span className="visually-hidden">{t("search.count", { count: options.length })}</span>}
        {said}
      </p>
    </>
  );
}

const keyOf = ({ message, conversation, chunk, document }) => message ?? conversation ?? chunk ?? document;

/** What is to be said of the list: that it is empty, may lack something, or waits for words. */
function statusOf(found, isShown, options, filters) {
  if (!found) return "";
  const { left, all } = found.progress;
  const said = [];
  if (!isShown) said.push(t(found.progress.all ? "search.hint" : "search.nothing_yet"));
  else if (!options.length) said.push(t(isFiltered(filters) ? "search.none_filtered" : "search.none", { text: found.text }));
  if (found.lacking) said.push(t(`error.${found.lacking}`));
  if (left) said.push(t("search.building", { done: all - left, all }));
  return said.join(" ");
}

function Option({ id, option, isChosen, onGo }) {
  const { title, at, role, model, pieces, pinned, page } = option;
  return (
    <li id={id} role="option" aria-selected={isChosen} onClick={onGo}>
      <div className="hit-head">
        {pinned && <span className="visually-hidden">{t("library.pinned")}</span>}
        <span className="title" dir="auto">{title}</span>
        {option.document && <span className="muted">{page ? t("search.page", { page }) : t("search.document")}</span>}
        {role && <span className="muted">{role === "user" ? t("search.you") : model}</span>}
        <time className="muted figure" dateTime={new Date(at).toISOString()}>{date(at)}</time>
      </div>
      {pieces && <p dir="auto">{pieces.map(([piece, isAsked], index) => (isAsked ? <mark key={index}>{piece}</mark> : piece))}</p>}
    </li>
  );
}
