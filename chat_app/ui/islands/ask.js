// Asks the server by HTTP what no state of the page holds.
import { t } from "./i18n.js";

/** What the server says; raises the sentence that says why it does not. */
export async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw t("error.offline");
  }
  if (response.status === 204) return null;
  const body = await response.json().catch(() => null); // a text of what stands before the application
  if (!response.ok || !body) throw sentenceOf(body?.error ?? {});
  return body;
}

const EXPLAINED = { server_refused: "server", value_refused: "value", import_failed: "import", file_refused: "file" };

/** What an error of the server means, in a sentence. */
export function sentenceOf({ code = "error", reason, values }) {
  return reason && EXPLAINED[code] ? t(`${EXPLAINED[code]}.${reason}`, values) : t(`error.${code}`);
}

export const post = (body) => ({ method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
