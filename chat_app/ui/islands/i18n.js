// Words of the page in the reader's language. Both languages are small enough to come along; nothing is fetched.
import en from "../locales/en.json";
import zh from "../locales/zh-CN.json";
import { groupOf } from "./days.js";

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

// A language that shows what was forgotten: each letter of a sentence bears an accent, what is filled into it none.
const pseudo = (text) => `⟦${text.replace(/[A-Za-z](?![^{]*})/g, (letter) => letter + "\u0301")}⟧`;

/** The words for a key; {name} is filled from `values`, numbers in the reader's form. */
export function t(key, values = {}) {
  const words = LOCALES[intl];
  const form = values.count === 1 ? `${key}.one` : key;
  const text = words[form] ?? words[key] ?? en[key] ?? key;
  return (language === "pseudo" ? pseudo(text) : text).replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : (value ?? whole);
  });
}

// Numbers and times as the reader's region writes them, where it speaks the page's language.
const region = (globalThis.navigator?.languages ?? []).find((tag) => tag.startsWith(intl.slice(0, 2))) ?? intl;
export const number = (value, options) => new Intl.NumberFormat(region, options).format(value);

/** "2026-10" as the month's name, with the year when it is not this one. */
function monthName(key) {
  const [year, month] = key.split("-").map(Number);
  const options = { month: "long", ...(year === new Date().getFullYear() ? {} : { year: "numeric" }) };
  return new Intl.DateTimeFormat(intl, options).format(new Date(year, month - 1, 1));
}

/** The heading over a row of the sidebar; none where the row above belongs to the same days. */
export function heading(rows, index) {
  const group = groupOf(rows[index].updated_at);
  if (index > 0 && groupOf(rows[index - 1].updated_at) === group) return "";
  return /^\d/.test(group) ? monthName(group) : t(`library.${group}`);
}

/** The time of a moment of today; of older ones nothing. */
export function timeOfDay(ms) {
  if (groupOf(ms) !== "today") return "";
  return new Intl.DateTimeFormat(region, { hour: "2-digit", minute: "2-digit" }).format(ms);
}

/** A day, as the reader's region writes it. */
export const date = (ms) => new Intl.DateTimeFormat(region, { dateStyle: "medium" }).format(ms);

/** A moment, as the reader's region writes it. */
export const moment = (ms) => new Intl.DateTimeFormat(region, { dateStyle: "medium", timeStyle: "short" }).format(ms);

/** The same, by its number since 1970. */
export const day = (days) => new Intl.DateTimeFormat(region, { dateStyle: "medium", timeZone: "UTC" }).format(days * 86_400_000);

/** From one day to another, or the one. */
export const days = (from, to) => new Intl.DateTimeFormat(region, { dateStyle: "medium", timeZone: "UTC" }).formatRange(from * 86_400_000, to * 86_400_000);

/** Micro-dollars, to the cent, or as small as they are. */
export const dollars = (micros) =>
  number(micros / 1e6, { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", ...(micros && micros < 1e6 ? { maximumSignificantDigits: 3 } : {}) });

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** A size, in the unit that suits it. */
export function bytes(size) {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(size, 1)) / 3));
  const unitDisplay = step ? "short" : "long"; // "4 byte" is short
  return number(size / 1000 ** step, { style: "unit", unit: UNITS[step], unitDisplay, maximumSignificantDigits: 3 });
}

/** Keep a choice of language and show the page anew in it. */
export function chooseLanguage(tag) {
  if (tag) localStorage.setItem("chat_app.language", tag);
  else localStorage.removeItem("chat_app.language");
  location.reload();
}
