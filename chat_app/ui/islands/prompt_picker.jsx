// Questions that were asked before, to make a set of: found by what was said, by a recipe, by a thumb.
import { useEffect, useState } from "react";
import { moment, t } from "./i18n.js";
import { useOnce } from "./once.js";
import { useRecipes } from "./recipes.js";
import { askedBefore, pickSet } from "./replays.js";

const WAIT_MS = 300;

export function PromptPicker({ onDone }) {
  const [wanted, want] = useState({ words: "", recipe: "", thumb: "" });
  const [{ prompts: found, has_more }, setFound] = useState({});
  const [isLooking, look] = useState(true);
  const [picked, setPicked] = useState([]);
  const [name, setName] = useState("");
  const [trouble, setTrouble] = useState("");
  const recipes = useRecipes() ?? [];
  useEffect(() => {
    let isHere = true;
    look(true);
    const timer = setTimeout(() => {
      askedBefore(wanted).then((told) => isHere && (setFound(told), setTrouble("")), (sentence) => isHere && (setFound({}), setTrouble(String(sentence)))).finally(() => isHere && look(false));
    }, WAIT_MS);
    return () => {
      isHere = false;
      clearTimeout(timer);
    };
  }, [wanted]);
  const change = (changes) => want({ ...wanted, ...changes });
  const toggle = (id) => setPicked(picked.includes(id) ? picked.filter((each) => each !== id) : [...picked, id]);
  const shown = found?.map(({ id }) => id) ?? [];
  const hidden = picked.filter((id) => !shown.includes(id)).length;
  const areAll = shown.length > 0 && shown.every((id) => picked.includes(id));
  const save = useOnce(async () => {
    setTrouble("");
    try {
      onDone(await pickSet(name, picked));
    } catch (sentence) {
      setTrouble(String(sentence));
    }
  });
  return (
    <form className="prompt-picker" aria-label={t("trials.from_past")} onSubmit={(event) => (event.preventDefault(), void save())}>
      <div className="row">
        <input type="search" dir="auto" aria-label={t("pick.words")} placeholder={t("pick.words")} value={wanted.words} onChange={({ target }) => change({ words: target.value })} />
        <select aria-label={t("pick.recipe")} value={wanted.recipe} onChange={({ target }) => change({ recipe: target.value })}>
          <option value="">{t("pick.any_recipe")}</option>
          {recipes.map(({ id, content }) => <option key={id} value={id}>{content.name}</option>)}
        </select>
        <select aria-label={t("pick.thumb")} value={wanted.thumb} onChange={({ target }) => change({ thumb: target.value })}>
          {["", "down", "up"].map((thumb) => <option key={thumb} value={thumb}>{t(`pick.thumb_${thumb || "any"}`)}</option>)}
        </select>
      </div>
      {trouble && <p role="alert" className="limit">{trouble}</p>}
      <p role="status" className="muted">{isLooking ? t("pick.looking") : [found?.length ? t("pick.found", { count: found.length }) : t("pick.none"), has_more && t("pick.more"), hidden > 0 && t("pick.hidden", { count: hidden })].filter(Boolean).join(" ")}</p>
      {shown.length > 0 && (
        <fieldset className="picks" disabled={isLooking}>
          <legend className="visually-hidden">{t("trials.from_past")}</legend>
          <label><input type="checkbox" checked={areAll} onChange={() => setPicked(areAll ? picked.filter((id) => !shown.includes(id)) : [...new Set([...picked, ...shown])])} /><b>{t("pick.all")}</b></label>
          {found.map(({ id, text, created_at: at, up, down }) => (
            <label key={id}><input type="checkbox" checked={picked.includes(id)} onChange={() => toggle(id)} /><span className="text" dir="auto">{text}</span><span className="muted figure">{[up > 0 && t("rating.up"), down > 0 && t("rating.down"), moment(at)].filter(Boolean).join(" · ")}</span></label>
          ))}
        </fieldset>
      )}
      <div className="row">
        <input type="text" dir="auto" aria-label={t("pick.name")} placeholder={t("pick.name")} value={name} onChange={({ target }) => setName(target.value)} />
        <button type="submit" className="button primary" disabled={!picked.length || !name.trim()}>{t("pick.save", { count: picked.length })}</button>
        <button type="button" className="button" onClick={() => onDone(null)}>{t("action.cancel")}</button>
      </div>
    </form>
  );
}
