// How the page is wished to look and behave in this browser: colours, language, sizes, keys.
import { chooseLanguage } from "./i18n.js";

export const CHOICES = {
  theme: ["system", "light", "dark"],
  language: ["", "en", "zh-CN"],
  size: ["small", "medium", "large"],
  width: ["narrow", "medium", "wide"],
  follow: ["1", "0"],
  slash: ["1", "0"],
  send: ["enter", "command"],
};
const USUAL = { size: "medium", width: "medium" };
export const read = (name) => localStorage.getItem(name === "theme" ? "theme" : `chat_app.${name}`) ?? USUAL[name] ?? CHOICES[name][0];

export function apply(name, value) {
  if (name === "language") {
    chooseLanguage(value);
    return;
  }
  localStorage.setItem(name === "theme" ? "theme" : `chat_app.${name}`, value);
  show();
}

/** Put the choices on the page, whichever it is. */
function show() {
  const root = document.documentElement;
  const theme = read("theme");
  const isDark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.classList.toggle("dark", isDark);
  root.classList.toggle("light", !isDark);
  root.style.colorScheme = isDark ? "dark" : "light";
  root.dataset.size = read("size");
  root.dataset.width = read("width");
}
if (globalThis.document) show();
