/** The figures: what is not fully known says so, every figure opens its waits, the filters go with every call. */
import { cleanup, render } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import Numbers from "../src/pages/numbers/Numbers.svelte";
import { change, period } from "../src/pages/numbers/figures";
import { go } from "../src/lib/router.svelte";
import { session } from "../src/lib/session.svelte";
import { serve, until } from "./api";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const NOW = new Date(2026, 10, 22, 9).getTime();

it("counts days by the wall, both ends included", () => {
  expect(period(new URLSearchParams(), NOW)).toEqual({ since: "2026-11-16", until: "2026-11-22", days: 7 });
  expect(period(new URLSearchParams("days=1"), NOW)).toEqual({ since: "2026-11-22", until: "2026-11-22", days: 1 });
  expect(period(new URLSearchParams("since=2026-10-01&until=2026-10-03"), NOW)).toEqual({ since: "2026-10-01", until: "2026-10-03", days: null });
});

it("falls back to a week for what is no period", () => {
  for (const query of ["days=0", "days=x", "since=2026-10-03&until=2026-10-01", "since=nonsense&until=2026-10-01"]) expect(period(new URLSearchParams(query), NOW).days, query).toBe(7);
});

it("claims no trend where a figure is not exactly known", () => {
  const known = (seconds: number | null, more_than = false): { seconds: number | null; more_than: boolean } => ({ seconds, more_than });
  expect(change(known(30), known(45))).toBe(-15);
  expect(change(known(642), known(790)), "10 min after 13 min").toBe(-180);
  expect(change(known(60, true), known(90))).toBeNull();
  expect(change(known(60), known(90, true))).toBeNull();
  expect(change(known(60), known(null))).toBeNull();
});

it("shows figures with their comparison, says what is not fully known, and links each count to its waits", async () => {
  go("/numbers?by=account&brand_id=1");
  const calls: string[] = [];
  serve();
  const inner = globalThis.fetch;
  vi.stubGlobal("fetch", (address: string, init?: RequestInit) => (calls.push(address), inner(address, init)));
  await session.load();
  await session.loadLists();
  render(Numbers);
  await until(() => document.querySelector("tfoot") !== null, "no table");
  expect(document.body.textContent).toContain("more than");
  expect(document.body.textContent).toContain("shorter");
  for (const path of ["/stats/waiting", "/stats/responses"]) expect(calls.find((one) => one.includes(path)), path).toContain("brand_id=1");
  for (const link of document.querySelectorAll<HTMLAnchorElement>("tbody td a, tfoot td a, .ends a")) expect(JSON.parse(new URL(link.href, "http://guichet.test").searchParams.get("waits") ?? "null")).not.toBeNull();
  for (const row of document.querySelectorAll("tbody tr")) for (const cell of row.querySelectorAll("td")) expect(cell.textContent?.trim() === "0" || cell.querySelector("a") !== null, cell.textContent ?? "").toBe(true);
  const endsOf = (column: number): string[] => (JSON.parse(new URL(document.querySelector<HTMLAnchorElement>(`tfoot td:nth-of-type(${column}) a`)?.href ?? "", "http://guichet.test").searchParams.get("waits") ?? "null") as { end_kind: string[] }).end_kind;
  expect(endsOf(4)).toEqual(["human_reply", "answered_elsewhere"]);
  expect(endsOf(5)).toEqual(["open", "closed_unanswered", "withdrawn"]);
});
