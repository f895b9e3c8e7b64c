// Unsent words, by conversation, in this browser; and which conversation the address names.
const draftKey = (id) => `chat_app.draft.${id || "new"}`;
export const readDraft = (id) => JSON.parse(localStorage.getItem(draftKey(id)) ?? '{"text":"","pasted":[]}');
// Where a conversation is shown.
export const placeOf = (id) => (id ? `/c/${id}` : "/new");
export const idHere = () => (location.pathname.startsWith("/c/") ? location.pathname.slice(3) : "");

/** What is sent of a draft: its pasted pieces, then its text. */
export const whole = ({ text, pasted }) => [...pasted, text].filter((piece) => piece.trim()).join("\n\n");

/** The key of one send, by which the server knows it when it comes twice. `randomUUID` is missing on plain http. */
export const newKey = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;

/** Keep a draft; an empty one is forgotten. */
export function saveDraft(id, draft) {
  if (whole(draft)) localStorage.setItem(draftKey(id), JSON.stringify(draft));
  else localStorage.removeItem(draftKey(id));
}
