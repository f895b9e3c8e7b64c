// Words of the page in the reader's language. Both languages are small enough to come along; nothing is fetched.
import en from "../locales/en.json";
import zh from "../locales/zh-CN.json";

const LOCALES = { en, "zh-CN": zh };
const stored = () => globalThis.localStorage?.getItem("chat_app.language");

export const language = (() => {
  const wished = [stored(), ...(globalThis.navigator?.languages ?? [])].filter(Boolean);
  for (const tag of wished) {
    if (tag === "pseudo") return "pseudo";
    if (tag.toLowerCase().startsWith("zh")) return "zh-CN";
    if (tag.toLowerCase().startsWith("en")) return "en";
  }
  return "en";
})();

const intl = language === "pseudo" ? "en" : language;
if (globalThis.document) document.documentElement.lang = intl === "zh-CN" ? "zh-Hans" : intl;

const pseudo = (text) => `⟦${text.replace(/[a-z](?![^{]*})/g, (c) => c + "\u0301")}⟧`;

/** The words for a key; {name} is filled from `values`, numbers in the reader's form. */
export function t(key, values = {}) {
  const text = (LOCALES[intl][key] ?? en[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : (value ?? whole);
  });
  return language === "pseudo" ? pseudo(text) : text;
}

export const number = (value) => new Intl.NumberFormat(intl).format(value);

/** "2026-10" as the month's name, with the year when it is not this one. */
export function monthName(key) {
  const [year, month] = key.split("-").map(Number);
  const options = { month: "long", ...(year === new Date().getFullYear() ? {} : { year: "numeric" }) };
  return new Intl.DateTimeFormat(intl, options).format(new Date(year, month - 1, 1));
}

/** The heading of a group in the sidebar. */
export const heading = (key) => (/^\d{4}-\d{2}$/.test(key) ? monthName(key) : t(`library.${key}`));

/** Keep a choice of language and show the page anew in it. */
export function chooseLanguage(tag) {
  if (tag) localStorage.setItem("chat_app.language", tag);
  else localStorage.removeItem("chat_app.language");
  location.reload();
}
