/** Texts count as their network counts them, and as the server counts them: both are held to one table. */
import { beforeAll, describe, expect, it } from "vitest";
import type { TextLimit } from "../src/lib/api/types";
import { count, prepareCounting } from "../src/lib/counting";
import table from "./counting-cases.json";

const about = { source: "", as_of: "2026-01-01" };
const limits = Object.fromEntries(Object.entries(table.limits).map(([name, limit]) => [name, { ...limit, ...about } as TextLimit]));
const [x, bluesky] = [limits["x"]!, limits["bluesky"]!];

beforeAll(() => prepareCounting(Object.values(limits)));

describe.each(Object.entries(limits))("%s", (name, limit) => {
  it.each(table.cases.map((one) => [one.why, one] as const))("%s", (_, one) => {
    expect(count(one.text, limit).used).toBe(one[name as "x"]);
  });
});

it("says what is left, below nothing too", () => {
  expect(count("a".repeat(290), x).left).toBe(-10);
});

it("limits bytes too", () => {
  expect(count("👨‍👩‍👧‍👦".repeat(121), bluesky)).toMatchObject({ used: 121, tooManyBytes: true });
});

it("leaves an unlimited network unlimited", () => {
  expect(count("x".repeat(9999), { ...x, unit: "unlimited", max_length: null, url_length: null }).left).toBeNull();
});
