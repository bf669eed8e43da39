import { describe, expect, it } from "vitest";
import { whenInvited } from "../src/pages/inbox/invitations";

const event = { starts: "2026-07-10T09:00:00+02:00", ends: "2026-07-10T10:30:00+02:00", whole_days: false };

describe("when an event is", () => {
  it("is told in the zone that is asked for, with its name", () => {
    const there = whenInvited("en", event, "Europe/Paris");
    expect(there).toContain("09:00");
    expect(there).toContain("10:30");
    expect(there).toContain("2026");
    expect(whenInvited("fr", event, "America/New_York")).toContain("03:00");
  });

  it("has whole days on every clock as they are", () => {
    const days = whenInvited("en", { starts: "2026-07-10", ends: "2026-07-12", whole_days: true }, "Pacific/Auckland");
    expect(days).toContain("10 July");
    expect(days).toContain("12 July");
    expect(days).not.toContain(":");
  });

  it("leaves a time without an offset on whatever clock it is read", () => {
    expect(whenInvited("en", { starts: "2026-07-10T09:00:00", ends: "", whole_days: false }, "Asia/Tokyo")).toContain("09:00");
  });

  it("says nothing of a zone that is unknown here, and what stands there where it is no time", () => {
    expect(whenInvited("en", event, "Mars/Olympus")).toBe("");
    expect(whenInvited("en", { ...event, starts: "soon" })).toBe("soon");
  });
});
