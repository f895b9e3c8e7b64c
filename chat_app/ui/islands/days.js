// The reader's own days: which group of the sidebar a moment belongs to.
const DAY_MS = 24 * 3600 * 1000;
const midnight = (ms) => new Date(ms).setHours(0, 0, 0, 0);

/** "today", "yesterday", "week" or a month as "2026-10"; rounded, since a day of the clock change has 23 or 25 hours. */
export function groupOf(ms, now = Date.now()) {
  const days = Math.round((midnight(now) - midnight(ms)) / DAY_MS);
  if (days < 1) return "today";
  if (days < 2) return "yesterday";
  const when = new Date(ms);
  return days < 7 ? "week" : `${when.getFullYear()}-${String(when.getMonth() + 1).padStart(2, "0")}`;
}
