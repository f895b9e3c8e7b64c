// The model of the next message in the panel: where the choice comes from, and what new conversations begin with.
import { ChosenField } from "./chosen_field.jsx";
import { t } from "./i18n.js";
import { useNameOf } from "./names.js";
import { change, PERSON, read, saved } from "./parameters.js";

export function ModelField({ id, model, recipe, layers }) {
  const nameOf = useNameOf();
  const usual = layers?.find(({ name }) => name === "person")?.values.model;
  const ofPerson = usual === model ? "person" : "conversation";
  const source = recipe?.content.values.model === model ? "recipe" : ofPerson;
  const make = async () => {
    change(PERSON, { model });
    await saved(PERSON);
    await read(id, model).catch(() => {});
  };
  return (
    <div className="parameter">
      <ChosenField name="model" value={nameOf(model) || t("model.none")} note={t(`parameter.from.${source}`)} opener="choose-model" />
      <p className="help">{t("parameter.model")}</p>
      {layers && model && usual !== model && <button type="button" className="quiet" onClick={make}>{t("parameter.model.usual")}</button>}
    </div>
  );
}
