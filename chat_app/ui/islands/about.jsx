// What the installation is: its version, where things are stored, how much there is and how much room.
import { useEffect, useState } from "react";
import { ask } from "./ask.js";
import { bytes, number, t } from "./i18n.js";

export function About() {
  const [told, setTold] = useState(null);
  const [trouble, setTrouble] = useState("");
  useEffect(() => void ask("/api/about").then(setTold, (sentence) => setTrouble(String(sentence))), []);
  if (trouble) return <p role="alert" className="limit">{trouble}</p>;
  if (!told) return null;
  const { database } = told;
  const facts = {
    version: `chat_app ${told.version} · Python ${told.python}`,
    database: `${database.kind} ${database.version} · ${bytes(database.size_bytes)}`,
    stored: t("about.stored.value", { conversations: told.conversations, messages: told.messages }),
    free: bytes(told.free_bytes),
    running: told.running_answers === "memory" ? t("about.memory") : told.running_answers,
    index: t("about.passages", { count: number(told.passages) }),
  };
  return (
    <dl className="about">
      {Object.entries(facts).map(([name, value]) => [<dt key={name}>{t(`about.${name}`)}</dt>, <dd key={`${name}=`}>{value}</dd>])}
    </dl>
  );
}
