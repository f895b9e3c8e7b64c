// How far the index of one's texts is, and the button that makes it anew.
import { useEffect, useState } from "react";
import { ask, post } from "./ask.js";
import { t } from "./i18n.js";
import { useOnce } from "./once.js";

const LOOK_MS = 1500;

export function SearchIndex() {
  const [told, setTold] = useState(null);
  const [trouble, setTrouble] = useState("");
  const hear = (promise) => promise.then((found) => (setTold(found), setTrouble("")), (sentence) => setTrouble(String(sentence)));
  useEffect(() => void hear(ask("/api/search/index")), []);
  const isBusy = told?.progress.left > 0;
  useEffect(() => {
    if (!isBusy) return undefined;
    const timer = setTimeout(() => hear(ask("/api/search/index")), LOOK_MS);
    return () => clearTimeout(timer);
  }, [told]);
  const again = useOnce(() => hear(ask("/api/search/index", post({}))));
  const { messages, documents } = told ?? {};
  const { left, all } = told?.progress ?? {};
  const said = told && (isBusy ? t("index.building", { done: all - left, all }) : t(told.model ? "index.done" : "index.words", { count: messages, model: told.model }));
  return (
    <div className="search-index">
      <p role={trouble ? "alert" : "status"} className={trouble ? "limit" : "muted"}>{trouble || said}{!trouble && documents > 0 && ` ${t("index.documents", { count: documents })}`}</p>
      {told?.trouble && <p role="alert" className="limit">{t(`error.${told.trouble}`)}</p>}
      {isBusy && <progress aria-label={t("index.label")} value={all - left} max={all} />}
      <button type="button" className="button" disabled={told?.progress.unindexed > 0} onClick={again}>{t("index.again")}</button>
    </div>
  );
}
