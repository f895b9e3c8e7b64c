// In which language a piece of text is probably written, by its script: for fonts, line height and the voice that reads it.
const count = (text, pattern) => text.match(pattern)?.length ?? 0;
// Common characters that only traditional Chinese has.
const TRADITIONAL = /[這們個來時說對為國會學發開關問題經實電話樣與還讓應該當種點過後長東車書見請謝買賣]/g;

/** "zh-Hans", "zh-Hant", "ja" or "ko"; "" for other scripts, undefined where there is nothing to tell by. */
export function languageOf(text) {
  const letters = count(text, /\p{L}/gu);
  if (!letters) return undefined;
  const [kana, hangul, han] = [count(text, /[\p{Script=Hiragana}\p{Script=Katakana}]/gu), count(text, /\p{Script=Hangul}/gu), count(text, /\p{Script=Han}/gu)];
  if ((kana + hangul + han) / letters < 0.2) return "";
  if (hangul > kana && hangul > han / 2) return "ko";
  if (kana > han / 10) return "ja";
  return count(text, TRADITIONAL) > han / 50 ? "zh-Hant" : "zh-Hans";
}
