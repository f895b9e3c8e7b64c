// The words of messages, outside of React and of Reflex's state: settled ones by HTTP in batches, running ones over SSE.
const MOST_IDS = 100;
const KEY_LENGTH = 4;
const store = new Map(); // id → {parts, status, unsaved}, and once settled what /api/messages tells of it
const listeners = new Map(); // id → Set of functions
let wanted = new Set();
let timer = 0;
let retryMs = 500;
const noted = new Map(); // id → the number of its last note, which a read that began before knows nothing of
let notes = 0;

export const wordsOf = (id) => store.get(id);

export const textOf = (id) =>
  (store.get(id)?.parts ?? [])
    .filter((part) => part.type === "text")
    .map((part) => part.text)
    .join("");

function put(id, words) {
  store.set(id, words);
  listeners.get(id)?.forEach((call) => call());
}

/** Call back whenever a message's words change; they are fetched when nobody has them yet. */
export function subscribe(id, call) {
  if (!listeners.has(id)) listeners.set(id, new Set());
  listeners.get(id).add(call);
  if (!store.has(id)) want(id);
  return () => listeners.get(id)?.delete(call);
}

/** Read a message's words again from the store. */
export function want(id) {
  wanted.add(id);
  if (!timer) timer = setTimeout(fetchWanted, 0);
}

async function fetchWanted() {
  const ids = [...wanted].slice(0, MOST_IDS);
  wanted = new Set([...wanted].slice(MOST_IDS));
  timer = wanted.size ? setTimeout(fetchWanted, 0) : 0;
  const before = notes;
  try {
    const response = await fetch(`/api/messages?ids=${ids.join(",")}`);
    if (!response.ok) throw new Error(String(response.status));
    retryMs = 500;
    for (const { id, ...words } of (await response.json()).messages) {
      const { rating, preferred } = noted.get(id) > before ? store.get(id) : words;
      if (words.status !== "streaming" || !store.has(id)) put(id, { ...words, rating, preferred });
    }
  } catch {
    ids.forEach((id) => wanted.add(id)); // nothing is lost by asking again
    clearTimeout(timer);
    timer = setTimeout(fetchWanted, retryMs);
    retryMs = Math.min(retryMs * 2, 8000);
  }
}

function grow(key, text, type) {
  for (const [id, words] of store) {
    if (!id.endsWith(key) || words.status !== "streaming") continue;
    const last = words.parts.at(-1);
    words.grewAt = Date.now();
    words.isAway = false;
    if (last?.beganAt && last.type === "reasoning") last.duration_ms = words.grewAt - last.beganAt; // also when the answer begins
    if (last?.type === type) last.text += text;
    else words.parts.push({ type, text, beganAt: words.grewAt });
    put(id, words);
    return;
  }
}

/** What a send just told the server needs no reading: its question, if it made one, and answers that are empty yet. */
export function begin({ question_id: question, reply_id: reply, replies = [reply], is_new: isNew }, text, files) {
  if (!isNew) return;
  if (text !== null && files) put(question, { parts: [...(text ? [{ type: "text", text }] : []), ...files], status: "complete" });
  else if (text !== null) want(question);
  for (const id of replies) if (!store.has(id)) put(id, { parts: [], status: "streaming" });
}

/** Note what a person thinks of an answer, as it is kept or about to be. */
export function note(id, changes) {
  if (!store.has(id)) return;
  noted.set(id, (notes += 1));
  put(id, { ...store.get(id), ...changes });
}

/** Follow the running answers of a conversation until they end or the returned function is called. */
export function follow(conversationId, onSettled) {
  const source = new EventSource(`/api/streams/${conversationId}`);
  const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  source.onmessage = (event) => {
    const [key, text, isReasoning] = JSON.parse(event.data);
    grow(key.slice(-KEY_LENGTH), text, isReasoning ? "reasoning" : "text");
  };
  on("set", ({ id, parts }) => put(id, { parts, status: "streaming" }));
  on("sources", ({ id, sources }) => {
    const words = store.get(id);
    if (words) put(id, { ...words, parts: [...words.parts, { type: "sources", sources }] });
  });
  on("unsaved", ({ id }) => put(id, { ...(store.get(id) ?? { parts: [] }), status: "streaming", unsaved: true }));
  on("end", ({ id, status }) => {
    put(id, { ...(store.get(id) ?? { parts: [] }), status, unsaved: false });
    want(id);
    onSettled(id, status);
  });
  on("away", () => listeners.forEach((calls, id) => store.get(id)?.status === "streaming" && put(id, { ...store.get(id), isAway: true })));
  on("idle", () => {
    source.close();
    onSettled("", "");
  });
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) onSettled("", "");
  };
  return () => source.close();
}
