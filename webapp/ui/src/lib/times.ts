/**
 * How times are written: relative up to an hour, then the clock, then the date; the exact time
 * with its zone is for hovering and for screen readers. Nothing here reads a clock.
 */
import type { Language } from "./preferences.svelte";

const LOCALE: Record<Language, string> = { en: "en-GB", fr: "fr-FR" };
const kept = new Map<string, Intl.DateTimeFormat>();

export function format(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  let made = kept.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat(LOCALE[language], options);
    kept.set(key, made);
  }
  return made;
}

export function number(language: Language, value: number, options?: Intl.NumberFormatOptions): string {
  return new Intl.NumberFormat(LOCALE[language], options).format(value);
}

/** 14 March 2026, 09:05:12 GMT+1: for titles and screen readers. */
export function exactTime(language: Language, at: number, timeZone?: string): string {
  return format(language, {
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
    timeZone,
  }).format(at);
}

export function shortTime(language: Language, at: number, now: number): string {
  const passed = now - at;
  if (Math.abs(passed) < 3_600_000) {
    const minutes = Math.round(-passed / 60_000);
    if (minutes === 0) return language === "fr" ? "à l’instant" : "just now";
    return new Intl.RelativeTimeFormat(LOCALE[language], { style: "short", numeric: "always" }).format(minutes, "minute");
  }
  const day = (t: number): string => new Date(t).toDateString();
  if (day(at) === day(now)) return format(language, { hour: "2-digit", minute: "2-digit" }).format(at);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return format(language, { day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }) }).format(at);
}

/** Length of a wait, two units at most: 45 s, 12 min, 1 h 05, 3 d 4 h. */
export function span(language: Language, seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const day = language === "fr" ? "j" : "d";
  const gap = "\u00a0";
  if (whole < 60) return `${whole}${gap}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}${gap}min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}${gap}h${gap}${String(minutes % 60).padStart(2, "0")}`;
  const days = Math.floor(hours / 24);
  return hours % 24 && days < 10 ? `${days}${gap}${day}${gap}${hours % 24}${gap}h` : `${days}${gap}${day}`;
}

/** The same length in whole words, for screen readers. */
export function spanInWords(language: Language, seconds: number): string {
  const unit = (value: number, name: string): string =>
    number(language, value, { style: "unit", unit: name, unitDisplay: "long" });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return unit(Math.max(0, Math.floor(seconds)), "second");
  if (minutes < 60) return unit(minutes, "minute");
  if (minutes < 1440) return `${unit(Math.floor(minutes / 60), "hour")} ${unit(minutes % 60, "minute")}`;
  return unit(Math.floor(minutes / 1440), "day");
}

/** "Europe/Paris" → "Paris": how a zone is named beside a time. */
export function zoneCity(zone: string): string {
  return zone.split("/").at(-1)?.replaceAll("_", " ") ?? zone;
}

/** A moment as the wall time of a zone: "2026-11-24T09:00". */
export function wallTimeIn(zone: string, at: number): string {
  const key = `wall ${zone}`;
  let made = kept.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
    kept.set(key, made);
  }
  return made.format(at).replace(" ", "T");
}

/**
 * The moment of a wall time in a zone. In the hour that a clock skips the later reading is taken,
 * in the hour that it repeats the first: as the server does unless told otherwise.
 */
export function instantOf(zone: string, wallTime: string): number {
  const asUtc = Date.parse(`${wallTime.slice(0, 16)}:00Z`);
  const offset = (at: number): number => Date.parse(`${wallTimeIn(zone, at)}:00Z`) - at;
  const [before, after] = [asUtc - offset(asUtc - 86_400_000), asUtc - offset(asUtc + 86_400_000)];
  const fits = [before, after].filter((at) => wallTimeIn(zone, at) === wallTime.slice(0, 16));
  return fits.length ? Math.min(...fits) : Math.max(before, after);
}
