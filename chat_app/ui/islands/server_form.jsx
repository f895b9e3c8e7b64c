// A server by its address and key, or a vendor by its key: looked at first, and kept once it answers. A key goes to the server alone.
import { useEffect, useRef, useState } from "react";
import { ask, post } from "./ask.js";
import { t } from "./i18n.js";
import { recall } from "./kept.js";
import { hasTexts, useKept } from "./kept_hook.js";

const PATH = "/api/servers";
const VENDORS = ["OpenAI", "Anthropic", "Qwen"];
const KIND = { compatible: () => t("servers.kind.compatible"), vllm: () => "vLLM" };
const NEVER = ["redirected", "address_refused"];
const HELPED = ["no_list", "address_refused"]; // what this form has a hint for

const KEPT = "chat_app.form.server."; // where what is typed lies, but the key: each form's in a place of its own
const isForm = hasTexts("id", "start", "kind", "url", "name");

/** What a form begins with that was being filled in before the page was loaded: {id, kind}; null where none was. */
export function typedServer() {
  const place = Object.keys(sessionStorage).find((name) => name.startsWith(KEPT));
  const kept = place && recall(place, isForm, sessionStorage);
  return kept ? { ...kept, kind: kept.start } : null;
}

const isVendor = (kind) => VENDORS.includes(kind);

/** What was found, in one sentence, and what to do about it. */
function sentence({ problem, kind, url, models, ms, detail }, asked) {
  const server = isVendor(kind) ? kind : url;
  if (problem) return [t(`problem.${problem}.what`, { server }), problem === "redirected" && detail, HELPED.includes(problem) && t(`problem.${problem}.do`)].filter(Boolean).join(" ");
  const names = `${models.slice(0, 3).join(", ")}${models.length > 3 ? " …" : ""}`;
  const what = isVendor(kind) ? kind : KIND[kind]();
  const moved = !isVendor(kind) && url !== asked.trim().replace(/\/+$/, "") ? ` ${t("servers.found.at", { url })}` : "";
  return t(names ? "servers.found" : "servers.found.nothing", { what, count: models.length, ms, names }) + moved;
}

export function ServerForm({ start, onClose }) {
  const { typed: { kind, url, name }, isBack, write, drop } = useKept(KEPT + (start.id || start.kind), { id: start.id ?? "", start: start.kind, kind: start.kind, url: start.url ?? "", name: start.name ?? "" }, isForm);
  const [key, setKey] = useState(null); // null keeps the one that is kept
  const [busy, setBusy] = useState("");
  const [found, setFound] = useState(null);
  const [trouble, setTrouble] = useState("");
  const first = useRef(null);
  useEffect(() => first.current.focus(), []);
  const isGone = useRef(false);
  useEffect(() => {
    isGone.current = false;
    return () => { isGone.current = true; };
  }, []);
  const isNew = !start.id;
  const body = { id: start.id ?? "", kind, name, url, key: key ?? (isNew || !start.hasKey ? "" : null) };
  const asked = useRef(0); // an answer to what was written before says nothing of what is written now
  const typed = (set) => ({ target }) => ((asked.current += 1), set(target.value), setFound(null), setTrouble(""), setBusy(""));
  const written = (field) => typed((value) => write({ [field]: value }));
  const close = (sentence) => (drop(), isGone.current || onClose(sentence));

  const send = async (path, more, isKeeping) => {
    if (busy) return;
    const turn = (asked.current += 1);
    setBusy(isKeeping ? "keep" : "look");
    setTrouble("");
    try {
      const look = await ask(path, post({ ...body, ...more }));
      if (turn !== asked.current && !(isKeeping && !look.problem)) return undefined;
      if (!isVendor(kind) && !look.problem) write({ url: look.url });
      if (isKeeping && (!look.problem || more.anyway)) return close(sentence(look, url));
      setFound(look);
    } catch (why) {
      if (turn !== asked.current) return undefined;
      setFound(null);
      setTrouble(String(why));
    }
    return setBusy("");
  };
  const keep = (more) => send(PATH, more, true);
  return (
    <form
      className="key-form server-form" aria-label={t(isNew ? "servers.add" : "servers.edit")} noValidate
      onSubmit={(event) => (event.preventDefault(), void keep({}))}
      onKeyDown={(event) => event.key === "Escape" && !event.nativeEvent.isComposing && (event.preventDefault(), close())}
    >
      {isNew && (
        <label>
          {t("servers.kind")}
          <select ref={first} value={kind} onChange={written("kind")}>
            {["compatible", ...VENDORS].map((each) => <option key={each} value={each}>{KIND[each]?.() ?? each}</option>)}
          </select>
        </label>
      )}
      {!isVendor(kind) && (
        <>
          <label>
            {t("servers.url")}
            <input ref={isNew ? undefined : first} type="url" inputMode="url" dir="ltr" autoComplete="off" spellCheck={false} placeholder="http://127.0.0.1:8000/v1" value={url} onChange={written("url")} />
          </label>
          <label>
            {t("servers.name")}
            <input dir="auto" autoComplete="off" maxLength={80} value={name} placeholder={t("servers.name.own")} onChange={written("name")} />
          </label>
        </>
      )}
      <label>
        {t("servers.api_key")}
        <input ref={!isNew && isVendor(kind) ? first : undefined} type="password" dir="ltr" autoComplete="off" spellCheck={false} value={key ?? ""} placeholder={start.hasKey ? t("servers.api_key.kept") : isVendor(kind) ? "" : t("servers.api_key.none")} onChange={typed(setKey)} />
      </label>
      <p className="muted help">{t("servers.api_key.help")}</p>
      <p role="status" className={found?.problem ? "danger-text" : undefined}>{busy ? t("models.testing") : found ? sentence(found, url) : isBack && t("servers.back")}</p>
      <p role="alert">{trouble}</p>
      <div className="row">
        <button type="submit" className="button primary" aria-disabled={Boolean(busy)}>{t(isNew ? "servers.keep" : "action.save")}</button>
        <button type="button" className="button" aria-disabled={Boolean(busy)} onClick={() => send(`${PATH}/look`, {}, false)}>{t("models.test")}</button>
        {found?.problem && !NEVER.includes(found.problem) && (
          <button type="button" className="quiet" onClick={() => keep({ anyway: true })}>{t("servers.keep.anyway")}</button>
        )}
        <button type="button" className="quiet" onClick={() => close()}>{t("action.cancel")}</button>
      </div>
    </form>
  );
}
