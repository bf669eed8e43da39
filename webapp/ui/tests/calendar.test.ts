/** What of a crowded day is shown. */
import { describe, expect, it } from "vitest";
import type { CalendarEntry } from "../src/lib/api/types";
import { crowds, dayOf, halfHourOf, hourOf, type Placed } from "../src/pages/calendar/crowd";
import { filterOf } from "../src/pages/calendar/filter";

const placed = (id: number, start: string, state: CalendarEntry["state"] = "scheduled"): Placed => ({
  entry: { id, brand_id: 1, author_id: 1, text: "", state, due_at: `${start}:00Z`, time_zone: "UTC", account_ids: [], tag_ids: [], may_move: true },
  start,
});
const ids = (of: Placed[]): number[] => of.map((one) => one.entry.id);

describe("a crowded day", () => {
  it("shows everything where there is room, in the order of time", () => {
    const [day] = crowds([placed(2, "2026-11-24T10:00"), placed(1, "2026-11-24T09:00")], dayOf, 2);
    expect([ids(day!.shown), day!.hidden]).toEqual([[1, 2], []]);
  });

  it("gives a line to the count of the rest, and the others to what waits for somebody", () => {
    const all = [placed(1, "2026-11-24T08:00"), placed(2, "2026-11-24T09:00"), placed(3, "2026-11-24T22:00", "failed"), placed(4, "2026-11-24T10:00", "awaiting_approval")];
    const [day] = crowds(all, dayOf, 3);
    expect([ids(day!.shown), ids(day!.hidden)]).toEqual([[4, 3], [1, 2]]);
  });

  it("never hides all of a day, however small it is", () => {
    const [day] = crowds([placed(1, "2026-11-24T08:00"), placed(2, "2026-11-24T09:00")], dayOf, 1);
    expect([ids(day!.shown), ids(day!.hidden)]).toEqual([[1], [2]]);
  });

  it("folds an hour of a dense week to its count, beside what waits for somebody", () => {
    const quiet = [placed(1, "2026-11-24T08:00"), placed(2, "2026-11-24T08:30")];
    const [hour] = crowds(quiet, hourOf, 1, true);
    expect([ids(hour!.shown), ids(hour!.hidden)]).toEqual([[], [1, 2]]);
    const [urgent] = crowds([...quiet, placed(3, "2026-11-24T08:45", "failed")], hourOf, 1, true);
    expect([ids(urgent!.shown), ids(urgent!.hidden)]).toEqual([[3], [1, 2]]);
    expect(ids(crowds([placed(4, "2026-11-24T09:00")], hourOf, 1, true)[0]!.shown)).toEqual([4]);
  });

  it("keeps days and half hours apart, and loses nothing of 5,000", () => {
    const all = Array.from({ length: 5000 }, (_, n) => placed(n, `2026-11-${String(1 + (n % 30)).padStart(2, "0")}T${String(n % 24).padStart(2, "0")}:${n % 2 ? "29" : "30"}`));
    const byDay = crowds(all, dayOf, 4);
    expect(byDay.length).toBe(30);
    expect(byDay.reduce((sum, day) => sum + day.shown.length + day.hidden.length, 0)).toBe(5000);
    expect(Math.max(...byDay.map((day) => day.shown.length))).toBe(3);
    expect(new Set(all.map(halfHourOf)).has("2026-11-02T01:00")).toBe(true);
  });
});

it("what is filtered is in the address, and nonsense in it is not", () => {
  const filter = filterOf(new URLSearchParams("brand=2&label=3,x,4&campaign=5&state=failed,nonsense&author=-1"));
  expect(filter).toEqual({ brand_id: 2, account_id: [], author_id: null, import_id: null, label_id: [3, 4], campaign_id: [5], state: ["failed"], any: true });
});
