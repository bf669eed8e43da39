/** The page of a customer: their fields are filled in there, too. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import type { FilledField } from "../src/lib/api/types";
import { go } from "../src/lib/router.svelte";
import { session } from "../src/lib/session.svelte";
import Customers from "../src/pages/customers/Customers.svelte";
import { serve, until, type Asked } from "./api";
import { withoutLayout } from "./layout";

const tier: FilledField = { id: 9, subject: "customer", key: "tier", name: "Tier", kind: "text", mask: "", least: "", most: "", choices: [], required: false, value: "gold" };
const whole = { id: 1, name: "Anna", handle: "anna", first_seen_at: "2026-01-01T00:00:00Z", identities: [], joins: [], notes: [], language: "en", suggestions: [], note: "", is_vip: false, is_blocked: false };

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function open(mayChange: boolean): Promise<Asked[]> {
  withoutLayout();
  const { asked } = serve({
    before: ({ method, path, body }) => {
      if (path === "/customers/1") return [200, { ...whole, may_change: mayChange, fields: [tier] }];
      if (path === "/customers/1/fields" && method === "PUT") return [200, { fields: [{ ...tier, value: (body["values"] as Record<string, string>)["tier"] }] }];
      return path.startsWith("/customers/1/") || path === "/conversations" ? [200, { items: [], next_cursor: null }] : null;
    },
  });
  history.replaceState({}, "", "/customers/1");
  go("/customers/1", { replace: true });
  await session.load();
  render(Customers);
  await until(() => Boolean(input()), "the field did not show");
  return asked;
}

const input = (): HTMLInputElement => [...document.querySelectorAll("label")].find((one) => one.textContent?.includes("Tier"))?.control as HTMLInputElement;

it("shows a customer's fields and keeps what is filled in", async () => {
  const asked = await open(true);
  expect([input().value, input().disabled]).toEqual(["gold", false]);
  await fireEvent.change(input(), { target: { value: "silver" } });
  await until(() => asked.some((one) => one.path === "/customers/1/fields"));
  expect(asked.filter((one) => one.method === "PUT").map((one) => one.body)).toEqual([{ values: { tier: "silver" } }]);
  await until(() => input().value === "silver");
});

it("lets nobody type who may not change them", async () => {
  await open(false);
  expect([input().value, input().disabled]).toEqual(["gold", true]);
});
