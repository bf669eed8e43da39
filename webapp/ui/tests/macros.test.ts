/** Macros where they are applied: tried before, the box filled, undone with one key. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import Inbox from "../src/pages/inbox/Inbox.svelte";
import { box } from "../src/pages/inbox/box.svelte";
import { macros } from "../src/pages/inbox/macros.svelte";
import { talk } from "../src/pages/inbox/talk.svelte";
import { actionOf, sayAction } from "../src/lib/macros";
import { go } from "../src/lib/router.svelte";
import { session } from "../src/lib/session.svelte";
import { toasts, undoLast } from "../src/lib/toasts.svelte";
import { serve, until, type Asked } from "./api";

const field = (): HTMLTextAreaElement => document.querySelector<HTMLTextAreaElement>(".box textarea") as HTMLTextAreaElement;
const draft = (text: string): object => ({ kind: "reply", text, media_ids: [], media: [], seen_through: null, saved_at: "2026-03-10T09:30:00Z" });
const steps = (effect: string, reason: string | null = null): object[] => [
  { kind: "priority", value: 3, effect, reason, text: null },
  { kind: "reply", value: "Dear {customer.name}", effect: "changes", reason: null, text: "Dear Grace" },
];

async function open(effect = "changes", reason: string | null = null): Promise<Asked[]> {
  const served = serve({
    before: (one) => {
      const ids = (one.body["conversation_ids"] as number[] | undefined) ?? [];
      const row = (id: number): object | undefined => served.world.conversations.find((each) => each.id === id);
      if (one.path === "/macros") return [200, { items: [{ id: 7, name: "Zebra", own: true, team: null, brand: null, may_change: true, updated_at: "2026-03-10T09:30:00Z", actions: [{ kind: "priority", value: 3 }, { kind: "reply", value: "Dear {customer.name}" }] }], next_cursor: null }];
      if (one.path.endsWith("/preview")) return [200, { items: ids.map((id) => ({ conversation_id: id, steps: steps(effect, reason) })) }];
      if (one.path.endsWith("/apply")) return [200, { items: ids.map((id) => ({ conversation_id: id, event_id: 40 + id, reason: null, conversation: { ...row(id), priority: "urgent" }, draft: draft("Dear Grace") })) }];
      if (one.path === "/macros/undo") return [200, { conversation: row(one.body["conversation_id"] as number), draft: null, kept: [] }];
      return null;
    },
  });
  go("/inbox/2?view=open", { replace: true });
  await session.load();
  await session.loadLists();
  render(Inbox);
  await until(() => !box.loading && field() !== null && macros.all.length === 1);
  return served.asked;
}

beforeEach(() => {
  HTMLElement.prototype.scrollTo = () => undefined;
  vi.stubGlobal("ResizeObserver", class { observe(): void {} disconnect(): void {} });
  vi.stubGlobal("IntersectionObserver", class { observe(): void {} disconnect(): void {} });
});
afterEach(() => {
  macros.asked = null;
  cleanup();
  talk.shut();
  toasts.length = 0;
  vi.unstubAllGlobals();
});

it("is found by typing, shows what it will do, fills the box and is undone", async () => {
  const asked = await open();
  field().focus();
  await fireEvent.input(field(), { target: { value: ":zeb" } });
  await tick();
  await fireEvent.keyDown(field(), { key: "Enter" });
  await until(() => (macros.trials?.length ?? 0) === 1, "no preview");
  expect(field().value).toBe("");
  expect(document.querySelector("[role=dialog]")?.textContent).toContain("Dear Grace");
  expect(asked.some((one) => one.path.endsWith("/apply"))).toBe(false);
  await until(() => document.activeElement?.textContent?.trim() === "Apply", "Enter would not apply it");
  await fireEvent.submit(document.getElementById("macro") as HTMLFormElement);
  await until(() => field().value === "Dear Grace", "the box was not filled");
  undoLast();
  await until(() => field().value === "", "it was not undone");
  expect(asked.find((one) => one.path === "/macros/undo")?.body).toEqual({ conversation_id: 2, event_id: 42 });
});

it("applies nothing where a step is refused, and says which and why", async () => {
  await open("refused", "somebody else has this conversation");
  await macros.ask(7, box.rows.slice(0, 1));
  await until(() => document.querySelector("[role=dialog] .effect") !== null);
  expect(document.querySelector("[role=dialog]")?.textContent).toContain("somebody else has this conversation");
  expect([...document.querySelectorAll<HTMLButtonElement>("[role=dialog] button")].find((one) => one.textContent?.trim() === "Apply")?.disabled).toBe(true);
});

it("is applied to a selection with one count for all", async () => {
  const asked = await open();
  await macros.ask(7, box.rows.slice(0, 3));
  await macros.apply();
  expect(asked.filter((one) => one.path.endsWith("/apply")).map((one) => (one.body["conversation_ids"] as number[]).length)).toEqual([3]);
  expect(toasts.at(-1)?.text).toBe("“Zebra”: 3 done.");
});

it("says its actions in words and keeps their values", () => {
  expect(sayAction({ kind: "priority", value: 3 })).toBe("Priority: Urgent");
  expect(sayAction({ kind: "snooze", value: 48 })).toBe("Snooze: For 2 days");
  expect(actionOf({ kind: "snooze", value: "0" })).toEqual({ kind: "snooze", value: 0 });
  expect(actionOf({ kind: "status", value: "spam" })).toEqual({ kind: "status", value: "spam" });
});
