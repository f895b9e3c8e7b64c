// How everybody's list of models stands: which come first, what they are called, and which are not offered.
import { useEffect, useRef, useState } from "react";
import { ask, post } from "./ask.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { useSavedOnLeave } from "./kept_hook.js";

const PATH = "/api/models";
const MANY = 12;
const SHOWN = 100; // more are shown by a button: some servers list thousands

const Move = ({ icon, label, isEnd, onMove }) => (
  <button type="button" className="icon" aria-label={label} title={label} aria-disabled={isEnd} onClick={() => isEnd || onMove()}><Icon name={icon} /></button>
);

function Name({ model, onName }) {
  const field = useSavedOnLeave(`chat_app.form.model.${model.id}`, model.name, onName);
  return (
    <input
      dir="auto" {...field} maxLength={80} placeholder={model.id} autoComplete="off" aria-label={t("models.name.of", { model: model.id })}
      onKeyDown={({ key, target, nativeEvent }) => key === "Enter" && !nativeEvent.isComposing && target.blur()}
    />
  );
}

function Row({ model, top, above, below, isFirst, isLast, mayChange, change }) {
  const called = model.name || model.id;
  return (
    <li className="arranged" data-hidden={model.hidden || undefined}>
      <span className="arranged-name">
        {mayChange ? <Name model={model} onName={(name) => change({ model: model.id, name })} /> : <b dir="auto">{called}</b>}
        <span className="muted"><code>{model.id}</code> · {model.server || t("model.built_in")}{model.hidden && ` · ${t("models.hidden")}`}</span>
      </span>
      {mayChange && (
        <span className="row">
          <Move icon="arrow-up-to-line" label={t("models.top.of", { model: called })} isEnd={isFirst} onMove={() => change({ model: model.id, before: top })} />
          <Move icon="arrow-up" label={t("models.up.of", { model: called })} isEnd={isFirst} onMove={() => change({ model: model.id, before: above })} />
          <Move icon="arrow-down" label={t("models.down.of", { model: called })} isEnd={isLast} onMove={() => change({ model: model.id, before: below })} />
          <button type="button" className="quiet" aria-label={t(model.hidden ? "models.show.of" : "models.hide.of", { model: called })} onClick={() => change({ model: model.id, hidden: !model.hidden })}>
            {t(model.hidden ? "models.show" : "models.hide")}
          </button>
        </span>
      )}
    </li>
  );
}

/** The models of servers that were told; a change is asked of the server one at a time, and shown as it says. */
export function ModelList({ of }) {
  const [told, setTold] = useState(null);
  const [trouble, setTrouble] = useState("");
  const [sought, seek] = useState("");
  const [most, setMost] = useState(SHOWN);
  const queue = useRef(Promise.resolve());
  const attempt = (path, options) => {
    queue.current = queue.current.then(() => ask(path, options)).then((found) => (setTold(found), setTrouble(""), true), (sentence) => (setTrouble(String(sentence)), false));
    return queue.current;
  };
  useEffect(() => void attempt(PATH), [of]);
  if (!told || told.models.length < 2) return trouble && <p role="alert">{trouble}</p>;
  const { models, may_change: mayChange } = told;
  const change = (what) => attempt(PATH, { ...post(what), method: "PATCH" });
  const isShown = (model) => `${model.id} ${model.name}`.toLowerCase().includes(sought.trim().toLowerCase());
  const rows = models.map((model, at) => [model, at]).filter(([model]) => isShown(model));
  return (
    <>
      <h2>{t("models.order")}</h2>
      <p className="muted help">{t(mayChange ? "models.order.help" : "models.order.only")}</p>
      <p role="alert">{trouble}</p>
      {models.length > MANY && <input type="search" className="sought" aria-label={t("models.seek")} placeholder={t("models.seek")} value={sought} onChange={({ target }) => seek(target.value)} />}
      <ol className="arranged-list">
        {rows.slice(0, most).map(([model, at]) => (
          <Row
            key={model.id} model={model} mayChange={mayChange} change={change} isFirst={at === 0} isLast={at === models.length - 1}
            top={models[0].id} above={models[at - 1]?.id} below={models[at + 2]?.id ?? ""}
          />
        ))}
      </ol>
      {rows.length > most && <button type="button" className="button" onClick={() => setMost(rows.length)}>{t("models.more", { count: rows.length - most })}</button>}
    </>
  );
}
