/** Times that an answer can be planned for, as wall times of a zone. */
import { instantOf, wallTimeIn } from "$lib/times";

export type LaterName = "evening" | "tomorrow" | "monday";

const DAY = 86_400_000;

/** The usual times from `now` (milliseconds) on, in the day of `zone`; the evening only before 17:00. */
export function laterChoices(zone: string, now: number): { id: LaterName; wall: string }[] {
  const today = wallTimeIn(zone, now);
  const midday = Date.parse(`${today.slice(0, 10)}T12:00:00Z`);
  const day = (after: number): string => new Date(midday + after * DAY).toISOString().slice(0, 10);
  const toMonday = (8 - new Date(midday).getUTCDay()) % 7 || 7;
  return [
    ...(today.slice(11) < "17:00" ? [{ id: "evening" as const, wall: `${day(0)}T18:00` }] : []),
    { id: "tomorrow", wall: `${day(1)}T09:00` },
    ...(toMonday > 1 ? [{ id: "monday" as const, wall: `${day(toMonday)}T09:00` }] : []),
  ];
}

/** Whether a wall time of a zone is still to come. */
export const isToCome = (zone: string, wall: string, now: number): boolean => instantOf(zone, wall) > now;
