// Deleting one of a list, as a React hook: it is asked about first, in words that say what goes with it.
import { useRef, useState } from "react";
import { t } from "./i18n.js";

/** The button, and what it brings up; `drop` deletes it, and the first of the `headings` that is there has the focus then. */
export function useDeletion({ name, about, drop, headings }) {
  const [isAsked, ask] = useState(false);
  const [trouble, setTrouble] = useState("");
  const opener = useRef(null);
  const cancel = () => {
    ask(false);
    opener.current.focus();
  };
  const sure = async () => {
    try {
      await drop();
      headings.map((each) => document.querySelector(each)).find(Boolean)?.focus(); // its button is gone
    } catch (sentence) {
      setTrouble(String(sentence));
    }
  };
  const button = <button ref={opener} type="button" className="quiet" aria-label={t("trials.delete_of", { name })} onClick={() => ask(true)}>{t("trials.delete")}</button>;
  const question = (
    <>
      {isAsked && (
        <p role="alert" className="row">
          <span>{about}</span>
          <button type="button" className="button" onClick={() => void sure()}>{t("trials.delete")}</button>
          <button type="button" className="button" onClick={cancel}>{t("action.cancel")}</button>
        </p>
      )}
      {trouble && <p role="alert" className="limit">{trouble}</p>}
    </>
  );
  return { button, question };
}
