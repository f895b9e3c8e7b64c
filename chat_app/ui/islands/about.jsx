// What the installation is: its version, where things are stored, how much there is and how much room, and whether all of it is well.
import { useEffect, useState } from "react";
import { ask, post } from "./ask.js";
import { bytes, t } from "./i18n.js";
import { useOnce } from "./once.js";
import { SearchIndex } from "./search_index.jsx";

/** Reads the whole database on request: a page that cannot be read any more shows itself late otherwise. PostgreSQL looks after its own. */
function Check({ isWhole }) {
  const [said, say] = useState(null); // {sentence, isTrouble}
  const check = useOnce(async () => {
    say({ sentence: t("about.checking") });
    try {
      const { faults, ms } = await ask("/api/about/check", post({}));
      say(faults.length ? { sentence: t("about.faulty", { what: faults.slice(0, 3).join(" · ") }), isTrouble: true } : { sentence: t(isWhole ? "about.sound" : "about.answers", { ms }) });
    } catch (sentence) {
      say({ sentence: String(sentence), isTrouble: true });
    }
  });
  return (
    <>
      <button type="button" className="button" onClick={check}>{t("about.check")}</button>
      <p role={said?.isTrouble ? "alert" : "status"} className={said?.isTrouble ? "limit" : "muted"}>{said?.sentence}</p>
    </>
  );
}

export function About() {
  const [told, setTold] = useState(null);
  const [trouble, setTrouble] = useState("");
  useEffect(() => void ask("/api/about").then(setTold, (sentence) => setTrouble(String(sentence))), []);
  if (trouble) return <p role="alert" className="limit">{trouble}</p>;
  if (!told) return null;
  const { database } = told;
  const place = told.running_answers === "memory" ? t("about.memory") : told.running_answers;
  const facts = {
    version: [`chat_app ${told.version} · Python ${told.python}`],
    database: [`${database.kind} ${database.version} · ${bytes(database.size_bytes)}`],
    stored: [["conversations", "messages"].map((name) => t(`about.${name}`, { count: told[name] })).join(" · ")],
    free: told.is_full ? [t("about.low", { free: bytes(told.free_bytes) }), true] : [bytes(told.free_bytes)],
    running: told.is_away ? [t("about.away", { place }), true] : [place],
    index: [t("about.passages", { count: told.passages }), told.passages === 0],
  };
  return (
    <>
      <dl className="about">
        {Object.entries(facts).map(([name, [value, isTrouble]]) => [<dt key={name}>{t(`about.${name}`)}</dt>, <dd key={`${name}=`} className={isTrouble ? "limit" : undefined}>{value}</dd>])}
      </dl>
      <SearchIndex />
      {told.may_check && <Check isWhole={database.kind === "SQLite"} />}
    </>
  );
}
