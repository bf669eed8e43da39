/** Which days and whose waits, and how a figure changed. Pure: no clock, no server. */
import type { Query } from "$lib/api/client";
import type { Percentile } from "$lib/api/types";

export const PERIODS = [1, 7, 30, 90] as const;

/** A day as the API wants it, by the wall of whoever looks. */
export function isoDay(at: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The first and last day asked for; without both of its own, so many days up to today. */
export function period(query: URLSearchParams, now: number): { since: string; until: string; days: number | null } {
  const [since, until] = [query.get("since"), query.get("until")];
  if (isDay(since) && isDay(until) && since <= until) return { since, until, days: null };
  const asked = Number(query.get("days"));
  const days = PERIODS.find((one) => one === asked) ?? 7;
  const today = new Date(now);
  return { since: isoDay(new Date(today.getFullYear(), today.getMonth(), today.getDate() - days + 1)), until: isoDay(today), days };
}

function isDay(text: string | null): text is string {
  return text !== null && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** What the page was asked to look at, for every call. */
export function scopeOf(query: URLSearchParams): Query {
  return { account_id: query.get("account_id"), brand_id: query.get("brand_id"), network: query.get("network") };
}

/** Seconds longer (or, negative, shorter) than before; null where either is not exactly known. */
export function change(now: Percentile, before: Percentile): number | null {
  if (now.seconds === null || before.seconds === null || now.more_than || before.more_than) return null;
  return asShown(now.seconds) - asShown(before.seconds);
}

/** Rounded down as `span` writes it: a difference must be that of the two lengths that are read. */
function asShown(seconds: number): number {
  const unit = seconds < 60 ? 1 : seconds < 86_400 ? 60 : seconds < 864_000 ? 3600 : 86_400;
  return Math.floor(seconds / unit) * unit;
}
