/** Slots: a week that is changed as a whole, and the queue that says where a post would go. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import { draft } from "../src/pages/compose/draft.svelte";
import QueueField from "../src/pages/compose/QueueField.svelte";
import Slots from "../src/pages/settings/Slots.svelte";
import { sayClash } from "../src/lib/clashes";
import { session } from "../src/lib/session.svelte";
import { serve, until } from "./api";

async function open(component: Parameters<typeof render>[0]): Promise<ReturnType<typeof serve>> {
  const served = serve();
  await session.load();
  await session.loadLists();
  render(component);
  return served;
}
const button = (name: string): HTMLButtonElement => {
  const found = [...document.querySelectorAll("button")].find((one) => (one.getAttribute("aria-label") ?? one.textContent?.trim()) === name);
  if (!found) throw new Error(`no button ${name}`);
  return found;
};

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("sends the whole week of an account, and says first that scheduled posts stay", async () => {
  const { asked } = await open(Slots);
  await until(() => document.querySelector(".rows li") !== null, "the list did not load");
  const handle = document.querySelector(".rows h3")?.lastChild?.textContent?.trim() ?? "";
  await fireEvent.click(button(`Edit: ${handle}`));
  expect(document.querySelector('[role="dialog"]')?.textContent).toContain("keep their time");
  await fireEvent.click(button("Remove: Friday 09:00"));
  await fireEvent.click(button("Add a slot: Saturday"));
  await fireEvent.submit(document.querySelector("form") as HTMLFormElement);
  await until(() => asked.some((one) => one.method === "PUT"), "nothing was saved");
  const sent = asked.find((one) => one.method === "PUT")?.body as { slots: { weekday: number; at: string }[] };
  expect(sent.slots.filter((one) => one.weekday > 3).map((one) => [one.weekday, one.at])).toEqual([[4, "16:30"], [5, "09:00"]]);
  expect(sent.slots).toHaveLength(10);
});

it("shows where a post would go, and names the account that has no slots", async () => {
  await open(QueueField);
  draft.begin(null, null, [1, 2]);
  await until(() => document.querySelectorAll(".queue li").length === 1, "the time of both was not shown");
  expect(document.querySelector(".queue li")?.textContent).toContain(session.account(2)?.handle);
  draft.toggle(3);
  await until(() => document.querySelector('.queue [role="alert"]') !== null, "no reason was given");
  expect(draft.slotTimes).toEqual([]);
});

it("sends an account's spacing with its week", async () => {
  const { asked } = await open(Slots);
  await until(() => document.querySelector(".rows li") !== null, "the list did not load");
  const handle = document.querySelector(".rows h3")?.lastChild?.textContent?.trim() ?? "";
  await fireEvent.click(button(`Edit: ${handle}`));
  const [gap] = document.querySelectorAll<HTMLInputElement>('[role="dialog"] input[type="number"]');
  await fireEvent.input(gap as HTMLInputElement, { target: { value: "45" } });
  await fireEvent.submit(document.querySelector("form") as HTMLFormElement);
  await until(() => asked.some((one) => one.method === "PATCH"), "nothing was saved");
  expect(asked.find((one) => one.method === "PATCH")?.body).toEqual({ min_gap_minutes: 45, duplicate_days: 30, clash_policy: "warn" });
});

it("says what stands in a post's way, with the network's own refusal", () => {
  const at = "2026-11-24T09:00:00Z";
  expect(sayClash({ account_id: 1, name: "too_close", post_id: 8, at, refused: false, data: { minutes: 12, gap: 60 } })).toMatch(/12 min away .*60 min/);
  expect(sayClash({ account_id: 1, name: "same_text", post_id: 8, at, refused: true, data: { network_refuses: true } })).toMatch(/refuses the same words twice.*does not allow/);
});
