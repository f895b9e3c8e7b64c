// The servers, what each offers, and a test of each: whether it answers, and whether it takes the key.
import { useEffect, useState } from "react";
import { ask, post } from "./ask.js";
import { number, t } from "./i18n.js";

const state = (server) =>
  server.problem ? t(`problem.${server.problem}.what`, { server: server.name }) : t("models.offers", { count: server.models.length });

function Server({ server, onTest }) {
  const [isAsking, setAsking] = useState(false);
  const [found, setFound] = useState("");
  const test = async () => {
    if (isAsking) return;
    setAsking(true);
    setFound(await onTest(server.name));
    setAsking(false);
  };
  return (
    <li>
      <div className="server">
        <span>
          <b>{server.name}</b> <span role="status" className={server.problem ? "danger-text" : "muted"}>{found || state(server)}</span>
        </span>
        <button type="button" className="button" aria-disabled={isAsking} aria-label={t(isAsking ? "models.testing.of" : "models.test.of", { server: server.name })} onClick={test}>
          {isAsking ? t("models.testing") : t("models.test")}
        </button>
      </div>
      {server.models.length > 0 && (
        <details>
          <summary>{t("models.list", { count: server.models.length })}</summary>
          <ul>
            {server.models.map((model) => (
              <li key={model.id}><code>{model.id}</code> <span className="muted">{facts(model)}</span></li>
            ))}
          </ul>
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

export function Servers() {
  const [told, setTold] = useState(null);
  const [trouble, setTrouble] = useState("");
  const read = () => ask("/api/servers").then((found) => (setTold(found), setTrouble("")), (sentence) => setTrouble(String(sentence)));
  useEffect(() => void read(), []);
  const test = async (name) => {
    try {
      const { problem, models, ms } = await ask("/api/servers/test", post({ server: name }));
      await read();
      return problem ? t(`problem.${problem}.what`, { server: name }) : t("models.works", { count: models, ms });
    } catch (sentence) {
      return String(sentence);
    }
  };
  return (
    <section className="servers" aria-busy={!told && !trouble ? "true" : undefined}>
      {trouble && <p role="alert">{trouble}</p>}
      {told?.servers.length === 0 && <p className="muted">{t("first.none")} {t("first.how")}</p>}
      <ul>{told?.servers.map((server) => <Server key={server.name} server={server} onTest={test} />)}</ul>
      {told?.absent.length > 0 && (
        <>
          <h2>{t("models.absent")}</h2>
          <ul>{told.absent.map(({ name, variable }) => <li key={variable}><b>{name}</b> <span className="muted">{t("models.set", { variable })}</span></li>)}</ul>
        </>
      )}
    </section>
  );
}
