// What the person is called, in prompts and as the author of recipes.
import { useState } from "react";
import { ask, post } from "./ask.js";
import { t } from "./i18n.js";
import { useSavedOnLeave } from "./kept_hook.js";

export function MyName({ known }) {
  const [said, say] = useState("");
  const save = (name) =>
    ask("/api/name", post({ name })).then(() => (say(t("settings.name.kept")), true), (sentence) => (say(String(sentence)), false));
  const { onChange, ...field } = useSavedOnLeave("chat_app.form.name", known, save);
  return (
    <div className="my-name">
      <label htmlFor="my-name">{t("settings.name")}</label>
      <input id="my-name" dir="auto" maxLength={200} autoComplete="name" onChange={(event) => (say(""), onChange(event))} {...field} />
      <p className="help" role="status">{said || t("settings.name.help")}</p>
    </div>
  );
}
