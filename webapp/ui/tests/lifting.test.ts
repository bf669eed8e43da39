/** Lifting the brake: one choice for what is alike, and none for what was not shown. */
import { expect, it, vi } from "vitest";
import { serve } from "./api";
import { HeldChoices } from "../src/frame/held.svelte";
import { session } from "../src/lib/session.svelte";
import type { Brake, Delivery, HeldGroup } from "../src/lib/api/types";

const account = { id: 1, network: "x", handle: "@a", name: "A" };
const due = (minute: number): string => `2026-03-10T09:${String(minute).padStart(2, "0")}:00Z`;
const group = (over: Partial<HeldGroup> = {}): HeldGroup => ({ account, answers: false, lateness: "hour", first_due_at: due(0), last_due_at: due(9), count: 3, ...over });
const one = (id: number, minute: number): Delivery => ({ id, account, conversation_id: null, due_at: due(minute), text: `${id}` }) as unknown as Delivery;

function held(...groups: HeldGroup[]): HeldChoices {
  const choices = new HeldChoices();
  choices.take({ held: [one(1, 0), one(2, 5), one(3, 9)], groups, in_flight: [] });
  return choices;
}

it("says one thing for a group, and another for a single one of it", () => {
  const choices = held(group());
  expect(choices.count(undefined)).toBe(3);
  choices.choose(group(), "reschedule");
  choices.single[2] = "drop";
  expect([choices.count("reschedule"), choices.count("drop"), choices.count(undefined)]).toEqual([2, 1, 0]);
  expect(choices.order("UTC", "2026-03-10T12:00")).toEqual({
    choices: [{ delivery_id: 2, choice: "drop", due_at: null }],
    groups: [{ account_id: 1, answers: false, since: due(0), until: due(9), choice: "reschedule", due_at: "2026-03-10T12:00:00.000Z" }],
  });
  choices.choose(group(), "send");
  expect(choices.count("send")).toBe(3);
});

it("asks again for a group to which something came, and keeps the choices for the others", () => {
  const other = group({ lateness: "day", first_due_at: due(0), count: 1 });
  const choices = held(group(), other);
  choices.chooseAll("send");
  choices.take({ held: [], groups: [group({ count: 4, last_due_at: due(20) }), other], in_flight: [] });
  expect([choices.count("send"), choices.count(undefined)]).toEqual([1, 4]);
});

it("moves no answers, and counts those that are not listed one by one", () => {
  const choices = held(group({ answers: true, count: 700 }));
  choices.chooseAll("reschedule");
  expect(choices.count(undefined)).toBe(700);
  choices.chooseAll("drop");
  expect(choices.count("drop")).toBe(700);
});

it("knows how much a pulled brake holds, and asks at most every two seconds", async () => {
  vi.useFakeTimers();
  const { asked } = serve({ before: (one) => (one.path === "/brake" ? [200, { on: true, held: 3 }] : null) });
  session.brake = { on: false, held: 0 } as Brake;
  session.readHeldSoon();
  await vi.advanceTimersByTimeAsync(3000);
  const brakes = (): string[] => asked.map((one) => one.path).filter((path) => path === "/brake"); // others' tests may still ask
  expect(brakes()).toEqual([]);
  session.brake = { on: true, held: 0 } as Brake;
  for (let told = 0; told < 50; told++) session.readHeldSoon();
  await vi.advanceTimersByTimeAsync(3000);
  expect(brakes()).toEqual(["/brake"]);
  expect(session.brake.held).toBe(3);
  session.brake = null;
  vi.useRealTimers();
});
