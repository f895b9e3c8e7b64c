// Asks the server by HTTP what no state of the page holds.
import { t } from "./i18n.js";

/** What asks the server and gives what it says; raises the sentence that says why it does not, in the words of a page where it has its own. */
export const asking = (page) => async (path, options) => {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw t("error.offline");
  }
  if (response.status === 204) return null;
  const body = await response.json().catch(() => null); // a text of what stands before the application
  if (!response.ok || !body) throw sentenceOf(body?.error ?? {}, page);
  return body;
};

export const ask = asking("");

const EXPLAINED = { server_refused: "server", value_refused: "value", import_failed: "import", file_refused: "file" };

/** What an error of the server means, in a sentence. */
export function sentenceOf({ code = "error", reason, values }, page = "") {
  const own = `${page}.error_${code}`;
  if (page && t(own) !== own) return t(own);
  return reason && EXPLAINED[code] ? t(`${EXPLAINED[code]}.${reason}`, values) : t(`error.${code}`);
}

export const post = (body) => ({ method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
