/** Merging, splitting and linking from the page. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { go, route } from "../src/lib/router.svelte";
import { session } from "../src/lib/session.svelte";
import { toasts, undoLast } from "../src/lib/toasts.svelte";
import { box } from "../src/pages/inbox/box.svelte";
import Inbox from "../src/pages/inbox/Inbox.svelte";
import { panes } from "../src/pages/inbox/panes.svelte";
import { talk } from "../src/pages/inbox/talk.svelte";
import { serve, until, type Asked } from "./api";
import { withoutLayout } from "./layout";

beforeEach(withoutLayout);
afterEach(() => {
  cleanup();
  talk.shut();
  panes.joining = null;
  toasts.length = 0;
  vi.unstubAllGlobals();
});

/** Conversation 2, and another one (50) of the same customer on the same account. */
async function open(): Promise<ReturnType<typeof serve>> {
  const served = serve();
  const { world } = served;
  const row = world.conversations[1];
  if (!row) throw new Error("the made-up world has no second conversation");
  world.conversations.push({ ...row, id: 50, preview: "My second question" });
  world.entries.set(50, []);
  history.replaceState({}, "", "/inbox/2?view=open");
  go("/inbox/2?view=open", { replace: true });
  await session.load();
  await session.loadLists();
  render(Inbox);
  await until(() => !box.loading && talk.conversation?.id === 2, "it did not open");
  return served;
}

const options = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(".dialog [role=option]")];
const asks = (asked: Asked[], path: string): Asked[] => asked.filter((one) => one.method === "POST" && one.path === path);

it("merges by keyboard into another of the same customer, and takes it back by the key that undoes", async () => {
  const { asked } = await open();
  await fireEvent.keyDown(document.body, { key: "m", code: "KeyM" });
  await until(() => options().length > 0, "nothing to merge into");
  expect(options().map((one) => one.querySelector(".quiet")?.textContent)).toEqual(["My second question"]);
  await fireEvent.keyDown(document.querySelector(".dialog input") as HTMLElement, { key: "Enter" });
  await until(() => toasts.length > 0);
  expect(asks(asked, "/conversations/2/merge")[0]?.body).toEqual({ into_id: 50 });
  expect(route.parts[0]).toBe("50");
  undoLast();
  await until(() => asks(asked, "/conversations/2/unmerge").length === 1 && route.parts[0] === "2", "it was not taken back");
});

it("splits from a message onward and opens what is new; the first message cannot be parted from", async () => {
  const { asked } = await open();
  const parts = [...document.querySelectorAll<HTMLElement>("article .part button")];
  expect(parts).toHaveLength(talk.entries.filter((one) => one.kind !== "event").length - 1);
  await fireEvent.click(parts.at(-1) as HTMLElement);
  await until(() => route.parts[0] !== "2", "the new one did not open");
  expect(asks(asked, "/conversations/2/split")[0]?.body).toEqual({ message_id: 208 });
  undoLast();
  await until(() => asked.some((one) => one.path.endsWith("/merge") && one.body["into_id"] === 2), "it was not taken back");
});

it("says why where a merge is refused, and changes nothing", async () => {
  const { world } = await open();
  world.conversations.pop();
  const { merge } = await import("../src/pages/inbox/joining.svelte");
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify({ title: "Conflict", status: 409, detail: "one of them is closed" }), { status: 409 })));
  expect(await merge(2, 50)).toBe(false);
  expect(toasts.map((one) => one.text).join()).toContain("one of them is closed");
  expect(route.parts[0]).toBe("2");
});
