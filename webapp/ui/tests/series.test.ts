/** How a post repeats, in the words that people choose and in the rule that is sent. */
import { expect, test } from "vitest";
import { ruleOf, type Ending, type Kind } from "../src/pages/compose/recurrence";

const four: Ending = { by: "count", count: 4 };
test.each<[Kind, string, Ending, string]>([
  ["none", "2026-11-24T09:00", four, ""],
  ["daily", "2026-11-24T09:00", { by: "until", day: "2026-12-31" }, "FREQ=DAILY;UNTIL=20261231"],
  ["weekdays", "2026-11-24T09:00", four, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=4"],
  ["weekly", "2026-11-24T09:00", four, "FREQ=WEEKLY;BYDAY=TU;COUNT=4"],
  ["weekly", "2026-11-22T23:30", four, "FREQ=WEEKLY;BYDAY=SU;COUNT=4"],
  ["monthly", "2026-11-24T09:00", four, "FREQ=MONTHLY;BYMONTHDAY=24;COUNT=4"],
  ["monthly", "2026-11-30T09:00", four, "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=4"],
  ["nth", "2026-11-24T09:00", four, "FREQ=MONTHLY;BYDAY=4TU;COUNT=4"],
  ["nth", "2026-11-30T09:00", four, "FREQ=MONTHLY;BYDAY=-1MO;COUNT=4"],
  ["own", "2026-11-24T09:00", four, "FREQ=YEARLY;COUNT=2"],
])("%s from %s", (kind, wallTime, ending, rule) => expect(ruleOf(kind, wallTime, ending, " FREQ=YEARLY;COUNT=2 ")).toBe(rule));
