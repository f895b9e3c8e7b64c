// What is typed into forms and fields, as React hooks: it outlives a reload, and ends with the form or when it is saved.
import { useEffect, useRef, useState } from "react";
import { forget, keep, recall } from "./kept.js";

/**
 * What a form says: `typed` is `start` until something is written, `isBack` whether it was typed before the page was loaded. One
 * `place` belongs to one form; what `isRight` refuses is dropped. A form of a few fields is its tab's alone, and so is where it lies.
 */
export function useKept(place, start, isRight, storage = sessionStorage) {
  const [kept, setKept] = useState(() => recall(place, isRight, storage));
  const [isBack, setBack] = useState(kept !== null);
  const latest = useRef(kept); // also for a handler that began before the last letter was drawn
  const put = (form) => {
    latest.current = form;
    setKept(form);
  };
  const write = (changes) => {
    put({ ...(latest.current ?? start), ...changes });
    keep(place, latest.current, storage);
  };
  const drop = () => {
    if (JSON.stringify(recall(place, isRight, storage)) === JSON.stringify(latest.current)) forget(place, storage); // not what another tab has written since
    put(null);
    setBack(false);
  };
  return { typed: kept ?? start, isBack, write, drop };
}

/** Whether each of these is a text in what was kept. */
export const hasTexts = (...names) => (kept) => names.every((name) => typeof kept[name] === "string");

const isLeft = hasTexts("text", "over");

/**
 * A field that is saved when it is left, as the properties of an input. `known` is what the server has, and `save` says whether it
 * took the text. What a reload came before is saved after it, unless the server has something else by then, or refused it.
 */
export function useSavedOnLeave(place, known, save) {
  const read = () => recall(place, isLeft, sessionStorage);
  const [value, setValue] = useState(() => read()?.text ?? known);
  const stored = useRef(known);
  const last = useRef(Promise.resolve());
  const leave = (text) => (last.current = last.current.then(() => settle(text), () => settle(text))); // what the server has is known only once the one before is saved
  const settle = async (text) => {
    if (text.trim() !== stored.current && !(await save(text))) {
      if (read()?.text === text) keep(place, { text, over: stored.current, isRefused: true }, sessionStorage);
      return;
    }
    stored.current = text.trim();
    if (read()?.text === text) forget(place, sessionStorage); // and not what was typed meanwhile
  };
  useEffect(() => {
    const kept = read();
    if (kept && kept.over === known && !kept.isRefused) void leave(kept.text);
  }, []);
  useEffect(() => {
    stored.current = known;
    if (!read()) setValue(known);
  }, [known]);
  const onChange = ({ target }) => {
    setValue(target.value);
    keep(place, { text: target.value, over: stored.current }, sessionStorage);
  };
  return { value, onChange, onBlur: () => leave(value) };
}
