/**
 * What of a crowded place is shown, where there is room for a few: first what waits for somebody,
 * then what comes first. The rest is counted, and opened by a click.
 */
import type { CalendarEntry } from "$lib/api/types";

/** Where a post stands on the page's clock: "2026-11-24T09:00". */
export interface Placed {
  entry: CalendarEntry;
  start: string;
}
export interface Crowd {
  /** The day, or the half hour, that they share. */
  key: string;
  shown: Placed[];
  hidden: Placed[];
}

const URGENT: Partial<Record<CalendarEntry["state"], number>> = { needs_human: 0, failed: 1, partly_failed: 1, held: 2, awaiting_approval: 3 };
export const isUrgent = (one: Placed): boolean => one.entry.state in URGENT;
const rank = (one: Placed): number => URGENT[one.entry.state] ?? 4;
export const byTime = (a: Placed, b: Placed): number => (a.start < b.start ? -1 : a.start > b.start ? 1 : a.entry.id - b.entry.id);

/** The day of a place, and its half hour. */
export const dayOf = (one: Placed): string => one.start.slice(0, 10);
export const halfHourOf = (one: Placed): string => `${one.start.slice(0, 14)}${one.start.slice(14, 16) < "30" ? "00" : "30"}`;

/** The hour of a place: what a week is told by where half hours would be too many. */
export const hourOf = (one: Placed): string => `${one.start.slice(0, 14)}00`;
/** So many posts of a week that it is told by the hour. */
export const DENSE = 400;

/** Groups that share a place; where more than `room` do, one line of the room goes to their count.
 * Folded, only what waits for somebody stands beside the count. */
export function crowds(placed: Placed[], keyOf: (one: Placed) => string, room: number, folded = false): Crowd[] {
  const groups = new Map<string, Placed[]>();
  for (const one of placed) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return [...groups].map(([key, all]) => {
    if (all.length <= room) return { key, shown: all.sort(byTime), hidden: [] };
    const ranked = folded ? all.filter(isUrgent) : [...all];
    const first = ranked.sort((a, b) => rank(a) - rank(b) || byTime(a, b)).slice(0, Math.max(1, room - 1));
    const chosen = new Set(first);
    return { key, shown: first.sort(byTime), hidden: all.filter((one) => !chosen.has(one)).sort(byTime) };
  });
}
