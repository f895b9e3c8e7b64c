// The model of the next message. A choice counts at once, also for words that are sent before the server has heard of it. One that was made
// by hand is a value of the conversation's own, like its parameters; what a recipe brings is not.
import { useEffect, useSyncExternalStore } from "react";
import { draftOf, idHere, onDrafts } from "./drafts.js";
import { lacking, needsOf } from "./abilities.js";
import { t } from "./i18n.js";
import { learnNames, useNameOf } from "./names.js";
import { change, changeOf, onParameters } from "./parameters.js";
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

/**
 * Who is asked next in a conversation, of whose model the page's state has last `known`; what chooses another; and what shows the one that
 * counts where none is chosen: "" is the one that the person begins with.
 */
export function useModel(id, known, onPick) {
  const wish = useSyncExternalStore(onChoice, () => (chosen.id === id ? chosen.model : ""));
  const own = useSyncExternalStore(onParameters, () => changeOf(id).set.model ?? "");
  useEffect(() => {
    if (wish && wish === known) choose(null, "");
  }, [wish, known]);
  const show = (model) => {
    choose(id, model);
    onPick(model);
  };
  const pick = (model) => {
    change(id, { model });
    show(model);
  };
  return [own || wish || known, pick, show];
}

/** Whether the next message is asked of several side by side, who are chosen elsewhere. */
export const useIsCompared = () => useSyncExternalStore(onDrafts, () => draftOf(idHere()).columns.length > 0);

export function ModelPicker({ known, items, names, onPick }) {
  const [model, pick] = useModel(idHere(), known, onPick);
  const nameOf = useNameOf();
  useEffect(() => learnNames(names), [names]);
  const isCompared = useIsCompared();
  const needs = useSyncExternalStore(onDrafts, () => needsOf(draftOf(idHere()).files));
  if (isCompared) return null;
  const offered = needs ? items.map((item) => able(item, needs)) : items;
  return <Picker label={t("model.button")} listLabel={t("model.list")} text={model ? `${nameOf(model)} ▾` : t("model.none")} kind="listbox" opener="choose-model" items={offered} selected={model} onPick={pick} />;
}

/** A model as it is offered for what goes with the next message; one that cannot take all of it is grey, and says why. */
function able(item, needs) {
  const lacks = lacking(item, needs);
  return lacks.length ? { ...item, kind: "unable", cannot: lacks.map((need) => t(`files.cannot.${need}`)).join(" · ") } : item;
}
