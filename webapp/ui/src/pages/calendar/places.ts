/** The free slots of a week, for who may fill them; without them the calendar still stands. */
import type { Calendar as Types } from "@event-calendar/core";
import { listOpenings } from "$lib/api/slots";
import type { Opening } from "$lib/api/types";
import { session } from "$lib/session.svelte";
import { wallTimeIn } from "$lib/times";

const DAY = 86_400_000;

export async function openPlaces(start: Date, end: Date): Promise<Opening[]> {
  const since = Math.max(start.getTime() - DAY, Date.now());
  const until = end.getTime() + DAY;
  const mine = new Set(session.accountsAs("author").map((one) => one.id));
  if (since >= until || !mine.size) return [];
  try {
    return (await listOpenings(new Date(since).toISOString(), new Date(until).toISOString())).filter((one) => mine.has(one.account_id));
  } catch {
    return [];
  }
}

/** Slots that come at the same moment stand as one place. */
export function placesOf(openings: Opening[], zone: string): Types.EventInput[] {
  return [...new Set(openings.map((one) => one.at))].map((at) => {
    const start = wallTimeIn(zone, Date.parse(at));
    const all = openings.filter((one) => one.at === at);
    return { id: `free ${at}`, start, end: wallTimeIn("UTC", Date.parse(`${start}:00Z`) + 30 * 60_000), editable: false, extendedProps: { openings: all } };
  });
}
