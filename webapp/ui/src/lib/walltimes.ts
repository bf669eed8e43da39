/**
 * Days and hours as people type them, in the order of the languages that we speak (day, month,
 * year; 24 hours), whatever the browser's own language. A wall time is "2026-11-24T09:00".
 */
const DAY = /^(\d{1,2})\s*[/.\- ]\s*(\d{1,2})(?:\s*[/.\- ]\s*(\d{2}|\d{4}))?$/;
const ISO = /^(\d{4})-(\d{2})-(\d{2})$/;
const HOUR = /^(\d{1,2})(?:\s*[:h.]\s*(\d{1,2})?)?\s*(am|pm)?$/i;
const FOUR = /^(\d{2})(\d{2})$/;

/** "24/11/2026", "24.11.26", "24/11" (of `year`) or "2026-11-24" as "2026-11-24"; null: none. */
export function readDay(typed: string, year: number): string | null {
  const text = typed.trim();
  const iso = ISO.exec(text);
  if (iso) return madeDay(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const found = DAY.exec(text);
  if (!found) return null;
  const given = found[3] === undefined ? year : Number(found[3]);
  return madeDay(given < 100 ? 2000 + given : given, Number(found[2]), Number(found[1]));
}

function madeDay(year: number, month: number, day: number): string | null {
  const made = new Date(Date.UTC(year, month - 1, day));
  const fits = made.getUTCFullYear() === year && made.getUTCMonth() === month - 1 && made.getUTCDate() === day;
  return fits && year >= 1000 ? made.toISOString().slice(0, 10) : null;
}

/** "9", "9:30", "9h30", "0930" or "9 pm" as "09:30"; null: none. */
export function readHour(typed: string): string | null {
  const text = typed.trim();
  const found = FOUR.exec(text) ?? HOUR.exec(text);
  if (!found) return null;
  let hour = Number(found[1]);
  const minute = Number(found[2] ?? 0);
  const half = found[3]?.toLowerCase();
  if (half && (hour < 1 || hour > 12)) return null;
  if (half) hour = (hour % 12) + (half === "pm" ? 12 : 0);
  return hour < 24 && minute < 60 ? `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}` : null;
}

/** The day as it is typed: "24/11/2026". */
export function writtenDay(day: string): string {
  return day.slice(0, 10).split("-").reverse().join("/");
}

/** A day some days later (or, below zero, earlier). */
export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** The days of the weeks, from Monday, that a month touches. */
export function weeksOf(month: string): string[][] {
  const first = `${month.slice(0, 7)}-01`;
  let day = dayAfter(first, -((new Date(`${first}T00:00:00Z`).getUTCDay() + 6) % 7));
  const weeks: string[][] = [];
  do {
    weeks.push(Array.from({ length: 7 }, (_, n) => dayAfter(day, n)));
    day = dayAfter(day, 7);
  } while (day.slice(0, 7) === first.slice(0, 7));
  return weeks;
}

/** The same day of another month, or its last. */
export function monthAfter(day: string, months: number): string {
  const [year = 0, month = 0, date = 0] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + months, Math.min(date, last))).toISOString().slice(0, 10);
}
