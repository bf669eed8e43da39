/** Times as people read them, and wall times where clocks jump. */
import { describe, expect, it } from "vitest";
import { instantOf, shortTime, span, wallTimeIn } from "../src/lib/times";

describe("a wait", () => {
  it.each([
    [0, "0 s"],
    [59.9, "59 s"],
    [60, "1 min"],
    [3900, "1 h 05"],
    [86_400, "1 d"],
    [90_000, "1 d 1 h"],
    [86_400 * 12 + 7200, "12 d"],
  ])("of %d seconds", (seconds, said) => {
    expect(span("en", seconds).replaceAll("\u00a0", " ")).toBe(said);
  });

  it("counts days as French does", () => {
    expect(span("fr", 90_000).replaceAll("\u00a0", " ")).toBe("1 j 1 h");
  });
});

describe("a moment", () => {
  const now = new Date(2026, 5, 10, 12, 0).getTime();
  it("is relative for an hour, then a clock, then a date", () => {
    expect(shortTime("en", now - 5 * 60_000, now)).toBe("5 min ago");
    expect(shortTime("en", now - 3 * 3_600_000, now)).toBe("09:00");
    expect(shortTime("en", now - 5 * 86_400_000, now)).toBe("5 Jun");
    expect(shortTime("en", now - 400 * 86_400_000, now)).toBe("6 May 2025");
  });
});

describe("a wall time", () => {
  it.each([
    ["Europe/Paris", "2026-06-01T09:00", "2026-06-01T07:00:00.000Z"],
    ["Europe/Paris", "2026-12-01T09:00", "2026-12-01T08:00:00.000Z"],
    ["Asia/Kathmandu", "2026-06-01T09:00", "2026-06-01T03:15:00.000Z"],
    // 02:30 does not exist on this night: the later reading.
    ["Europe/Paris", "2026-03-29T02:30", "2026-03-29T01:30:00.000Z"],
    // 02:30 comes twice on this one: the first.
    ["Europe/Paris", "2026-10-25T02:30", "2026-10-25T00:30:00.000Z"],
    ["America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00.000Z"],
  ])("in %s %s", (zone, wall, instant) => {
    expect(new Date(instantOf(zone, wall)).toISOString()).toBe(instant);
  });

  it("comes back from its moment", () => {
    expect(wallTimeIn("America/New_York", instantOf("America/New_York", "2026-07-04T23:59"))).toBe("2026-07-04T23:59");
  });
});
