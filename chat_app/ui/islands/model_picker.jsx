// The model of the next message. A choice counts at once, also for words that are sent before the server has heard of it.
import { useEffect, useSyncExternalStore } from "react";
import { idHere } from "./drafts.js";
import { t } from "./i18n.js";
import { learnNames, useNameOf } from "./names.js";
import { Picker } from "./picker.jsx";

const listeners = new Set();
let chosen = { id: null, model: "" }; // in which conversation, and what; until the page's state has it

function onChoice(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

function choose(id, model) {
  chosen = { id, model };
  listeners.forEach((call) => call());
}

/** Who is asked next in a conversation, of whose model the page's state has last `known`, and what chooses another. */
export function useModel(id, known, onPick) {
  const wish = useSyncExternalStore(onChoice, () => (chosen.id === id ? chosen.model : ""));
  useEffect(() => {
    if (wish && wish === known) choose(null, "");
  }, [wish, known]);
  const pick = (model) => {
    choose(id, model);
    onPick(model);
  };
  return [wish || known, pick];
}

export function ModelPicker({ known, items, names, onPick }) {
  const [model, pick] = useModel(idHere(), known, onPick);
  const nameOf = useNameOf();
  useEffect(() => learnNames(names), [names]);
  return <Picker label={t("model.button")} listLabel={t("model.list")} text={model ? `${nameOf(model)} ▾` : t("model.none")} kind="listbox" opener="choose-model" items={items} selected={model} onPick={pick} />;
}
