/** When an event is, in words: on the reader's clock, or in `zone`. */
import type { Invitation } from "$lib/api/types";
import type { Language } from "$lib/preferences.svelte";
import { format } from "$lib/times";

const DAY = { weekday: "short", day: "numeric", month: "long", year: "numeric" } as const;
const HOUR = { hour: "2-digit", minute: "2-digit" } as const;

export function whenInvited(language: Language, { starts, ends, whole_days }: Pick<Invitation, "starts" | "ends" | "whole_days">, zone?: string): string {
  // A mere date is that day everywhere, and a time without an offset stands on every clock.
  const floats = !whole_days && !/(?:Z|[+-]\d\d:\d\d)$/.test(starts);
  const of = (at: string): number => Date.parse(whole_days ? `${at}T00:00:00Z` : floats ? `${at}Z` : at);
  const timeZone = whole_days || floats ? "UTC" : zone;
  const named = whole_days || floats ? {} : ({ timeZoneName: "short" } as const);
  const [from, to] = [of(starts), ends ? of(ends) : Number.NaN];
  if (Number.isNaN(from)) return starts;
  const say = (how: Intl.DateTimeFormatOptions, at: number): string => {
    try {
      return format(language, { ...how, ...(timeZone && { timeZone }) }).format(at);
    } catch {
      return ""; // a zone that this browser does not know
    }
  };
  const whole = whole_days ? DAY : { ...DAY, ...HOUR };
  if (!say(DAY, from)) return "";
  if (Number.isNaN(to)) return say({ ...whole, ...named }, from);
  const isOneDay = say(DAY, from) === say(DAY, to);
  return `${say(whole, from)} – ${say({ ...(isOneDay && !whole_days ? HOUR : whole), ...named }, to)}`;
}
