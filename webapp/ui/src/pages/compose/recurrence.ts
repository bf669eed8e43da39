/** The recurrence rules that people choose from, in words; any other can be typed (RFC 5545). */
export type Kind = "none" | "daily" | "weekdays" | "weekly" | "monthly" | "nth" | "own";
export type Ending = { by: "count"; count: number } | { by: "until"; day: string };

const DAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/** The rule of a kind for a post whose first date is `wallTime`; "" for none. `own` is used as typed. */
export function ruleOf(kind: Kind, wallTime: string, ending: Ending, own: string): string {
  if (kind === "none" || !wallTime) return "";
  if (kind === "own") return own.trim();
  const first = new Date(`${wallTime.slice(0, 10)}T00:00:00Z`);
  const day = DAYS[first.getUTCDay()] ?? "MO";
  const date = first.getUTCDate();
  const nth = date > 28 ? -1 : Math.ceil(date / 7);
  const what = {
    daily: "FREQ=DAILY",
    weekdays: "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    weekly: `FREQ=WEEKLY;BYDAY=${day}`,
    monthly: `FREQ=MONTHLY;BYMONTHDAY=${date > 28 ? -1 : date}`,
    nth: `FREQ=MONTHLY;BYDAY=${nth}${day}`,
  }[kind];
  return `${what};${ending.by === "count" ? `COUNT=${ending.count}` : `UNTIL=${ending.day.replaceAll("-", "")}`}`;
}
