// The model of the next message in the panel: where the choice comes from, a way back, and what new conversations begin with.
import { ChosenField } from "./chosen_field.jsx";
import { t } from "./i18n.js";
import { useNameOf } from "./names.js";
import { change, PERSON, read, saved } from "./parameters.js";

/** Which layer says it; a conversation that has begun goes on with the model that it began with. */
function sourceOf({ id, model, own, brought, usual }) {
  if (own.model) return "conversation";
  if (brought === model) return "recipe";
  if (id) return "conversation";
  return usual === model ? "person" : "list";
}

export function ModelField({ id, model, recipe, known, onShow }) {
  const nameOf = useNameOf();
  const brought = recipe?.content.values.model;
  const usual = known?.layers.find(({ name }) => name === "person")?.values.model;
  const source = sourceOf({ id, model, own: known?.own ?? {}, brought, usual });
  const make = async () => {
    change(PERSON, { model });
    await saved(PERSON);
    await read(id, model).catch(() => {});
  };
  const reset = () => {
    change(id, { model: undefined });
    onShow(brought ?? "");
  };
  return (
    <div className="parameter">
      <ChosenField name="model" value={nameOf(model) || t("model.none")} note={t(`parameter.from.${source}`)} opener="choose-model" onReset={known?.own.model ? reset : undefined} />
      <p className="help">{t("parameter.model")}</p>
      {known && model && usual !== model && <button type="button" className="quiet" onClick={make}>{t("parameter.model.usual")}</button>}
    </div>
  );
}
