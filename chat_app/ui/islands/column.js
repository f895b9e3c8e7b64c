// One of those who answer a question side by side: a model, or a recipe with or without a version, as the server takes it.
export const LEAST = 2;
export const MOST = 4;

export const isColumn = ({ model = "", recipe = { id: "" } }) => typeof model === "string" && typeof recipe?.id === "string";
