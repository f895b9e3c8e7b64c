// What a button asks of something elsewhere on this page, with no way round by the server: edit this, rename that.
const NAME = "chat_app.act";

export const act = (action, id = "") => dispatchEvent(new CustomEvent(NAME, { detail: { action, id } }));

/** Call back with each action; returns the function that ends it. */
export function onAct(call) {
  const listen = ({ detail }) => call(detail.action, detail.id);
  addEventListener(NAME, listen);
  return () => removeEventListener(NAME, listen);
}

/** Let the field have the focus after a press by a key, with whose button it would go. */
export const toField = ({ detail }) => detail || document.getElementById("composer")?.focus();
