// The servers, what each offers, and a test of each; those that were added here can be changed and removed.
import { useEffect, useRef, useState } from "react";
import { ask, post } from "./ask.js";
import { number, t } from "./i18n.js";
import { ModelList } from "./model_list.jsx";
import { ServerForm, typedServer } from "./server_form.jsx";

const PATH = "/api/servers";
const state = (server) =>
  server.problem ? `${t(`problem.${server.problem}.what`, { server: server.name })} ${t(`problem.${server.problem}.do`)}` : t("models.offers", { count: server.models.length });

function Server({ server, mayChange, onTest, onChange, onRemove }) {
  const [isAsking, setAsking] = useState(false);
  const [isRemoving, setRemoving] = useState(false);
  const [found, setFound] = useState("");
  const [isOpen, setOpen] = useState(false); // a list that nobody looks at is not drawn: some have thousands
  const test = async () => {
    if (isAsking) return;
    setAsking(true);
    setFound(await onTest(server.name));
    setAsking(false);
  };
  const { name } = server;
  return (
    <li>
      <div className="server">
        <span>
          <b dir="auto">{name}</b> <span role="status" className={server.problem ? "danger-text" : "muted"}>{found || state(server)}</span>
        </span>
        <span className="row">
          {mayChange && server.added && (isRemoving ? (
            <>
              <button type="button" className="button danger" autoFocus onClick={() => onRemove(server.added.id)}>{t("servers.remove.yes")}</button>
              <button type="button" className="quiet" onClick={() => setRemoving(false)}>{t("action.cancel")}</button>
            </>
          ) : (
            <>
              <button type="button" className="quiet" aria-label={t("servers.edit.of", { server: name })} onClick={onChange}>{t("servers.edit")}</button>
              <button type="button" className="quiet" aria-label={t("servers.remove.of", { server: name })} onClick={() => setRemoving(true)}>{t("servers.remove")}</button>
            </>
          ))}
          <button type="button" className="button" aria-disabled={isAsking} aria-label={t(isAsking ? "models.testing.of" : "models.test.of", { server: name })} onClick={test}>
            {isAsking ? t("models.testing") : t("models.test")}
          </button>
        </span>
      </div>
      {server.models.length > 0 && (
        <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
          <summary>{t("models.list", { count: server.models.length })}</summary>
          {isOpen && (
            <ul>
              {server.models.map((model) => (
                <li key={model.id}><code>{model.id}</code> <span className="muted">{facts(model)}</span></li>
              ))}
            </ul>
          )}
        </details>
      )}
    </li>
  );
}

const facts = (model) =>
  [
    model.context && t("models.context", { tokens: number(model.context) }),
    model.output && t("models.output", { tokens: number(model.output) }),
    ...(model.capabilities ?? []).map((name) => t(`models.${name}`)),
    model.parent && t("models.parent", { model: model.parent }),
  ].filter(Boolean).join(" · ");

const Absent = ({ vendors, mayChange, onAdd }) => (
  <>
    <h2>{t("models.absent")}</h2>
    <ul>
      {vendors.map(({ name, variable }) => (
        <li key={variable} className="server">
          <span><b>{name}</b> <span className="muted">{t("models.set", { variable })}</span></span>
          {mayChange && <button type="button" className="quiet" aria-label={t("servers.key.of", { server: name })} onClick={() => onAdd(name)}>{t("servers.key")}</button>}
        </li>
      ))}
    </ul>
  </>
);

export function Servers() {
  const [told, setTold] = useState(null);
  const [trouble, setTrouble] = useState("");
  const [form, setForm] = useState(typedServer); // what it begins with
  const [said, say] = useState("");
  const place = useRef(null);
  const read = () => ask(PATH).then((found) => (setTold(found), setTrouble("")), (sentence) => setTrouble(String(sentence)));
  useEffect(() => void read(), []);
  const test = async (name) => {
    try {
      const { problem, models, ms } = await ask(`${PATH}/test`, post({ server: name }));
      await read();
      return problem ? state({ name, problem }) : t("models.works", { count: models, ms });
    } catch (sentence) {
      return String(sentence);
    }
  };
  const open = (start) => (setForm(start), say(""));
  const close = (sentence = "") => {
    setForm(null);
    say(sentence);
    if (sentence) void read();
    place.current.focus(); // the button that was pressed is gone
  };
  const remove = (id) => ask(`${PATH}/${id}`, { method: "DELETE" }).then(() => close(t("servers.removed")), (sentence) => setTrouble(String(sentence)));
  const hasKey = Boolean(form?.id && told?.servers.find((server) => server.added?.id === form.id)?.added.has_key);
  const begin = (server) => setForm({ id: server.added.id, kind: server.added.kind, name: server.name, url: server.added.url });
  return (
    <section className="servers" ref={place} tabIndex={-1} aria-busy={!told && !trouble ? "true" : undefined}>
      {trouble && <p role="alert">{trouble}</p>}
      {told?.servers.length === 0 && <p className="muted">{t("first.none")}</p>}
      <ul>
        {told?.servers.map((server) => (
          <Server key={server.name} server={server} mayChange={told.may_change} onTest={test} onChange={() => begin(server)} onRemove={remove} />
        ))}
      </ul>
      <p role="status" className="muted">{said}</p>
      {form && told?.may_change ? <ServerForm key={form.id || form.kind} start={{ ...form, hasKey }} onClose={close} /> : told?.may_change && (
        <button type="button" className="button" onClick={() => open({ kind: "compatible" })}>{t("servers.add")}</button>
      )}
      {told?.absent.length > 0 && <Absent vendors={told.absent} mayChange={told.may_change} onAdd={(kind) => open({ kind })} />}
      {told && <ModelList of={told} />}
    </section>
  );
}
