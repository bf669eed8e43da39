/** Answers that wait: taken back with one key, and planned in the day of the brand. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import Inbox from "../src/pages/inbox/Inbox.svelte";
import { answer } from "../src/pages/inbox/answer.svelte";
import { box } from "../src/pages/inbox/box.svelte";
import { isToCome, laterChoices } from "../src/pages/inbox/later";
import { talk } from "../src/pages/inbox/talk.svelte";
import { go } from "../src/lib/router.svelte";
import { session } from "../src/lib/session.svelte";
import { toasts } from "../src/lib/toasts.svelte";
import { serve, until, type Asked } from "./api";

const field = (): HTMLTextAreaElement => document.querySelector<HTMLTextAreaElement>(".box textarea") as HTMLTextAreaElement;
const button = (name: string): HTMLButtonElement => [...document.querySelectorAll("button")].find((one) => one.textContent?.trim() === name) as HTMLButtonElement;

/** A server that keeps an answer back, and gives it back when asked. */
async function open(): Promise<Asked[]> {
  const served = serve({
    before: (one) => {
      if (!one.path.endsWith("/take-back")) return null;
      const line = served.world.entries.get(2)?.pop();
      return [200, { kind: "reply", text: line?.text, media_ids: [], media: [], seen_through: 1, saved_at: new Date().toISOString() }];
    },
  });
  go("/inbox/2?view=open", { replace: true });
  await session.load();
  await session.loadLists();
  render(Inbox);
  await until(() => !box.loading && field() !== null);
  return served.asked;
}

async function sendOne(asked: Asked[], text: string): Promise<void> {
  await fireEvent.input(field(), { target: { value: text } });
  await tick();
  await fireEvent.click(button("Send"));
  await until(() => answer.texts.reply === "" && !answer.sending);
  expect(asked.find((one) => one.path.endsWith("/reply"))?.body).toMatchObject({ undo_seconds: 5, later: null });
  const pending = { kind: "undo" as const, until: new Date(Date.now() + 5000).toISOString(), wall_time: null, time_zone: null, closes: false };
  talk.entries = talk.entries.map((one) => (one.text === text && one.delivery ? { ...one, pending, delivery: { ...one.delivery, state: "scheduled" } } : one));
  await until(() => document.querySelector(".undo") !== null, "no countdown");
}

beforeEach(() => {
  HTMLElement.prototype.scrollTo = () => undefined;
  vi.stubGlobal("ResizeObserver", class { observe(): void {} disconnect(): void {} });
  vi.stubGlobal("IntersectionObserver", class { observe(): void {} disconnect(): void {} });
});
afterEach(() => {
  cleanup();
  talk.shut();
  toasts.length = 0;
  vi.unstubAllGlobals();
});

it("takes an answer back by Ctrl+Z in the empty box, and only there", async () => {
  const asked = await open();
  await sendOne(asked, "Too early");
  await fireEvent.input(field(), { target: { value: "something new" } });
  await fireEvent.keyDown(field(), { key: "z", ctrlKey: true });
  expect(asked.some((one) => one.path.endsWith("/take-back"))).toBe(false);
  await fireEvent.input(field(), { target: { value: "" } });
  await tick();
  await fireEvent.keyDown(field(), { key: "z", ctrlKey: true });
  await until(() => field().value === "Too early", "the text did not come back");
  expect(document.querySelector(".undo")).toBeNull();
  expect(talk.entries.some((one) => one.text === "Too early")).toBe(false);
});

it("shows in this window what was taken back in another", async () => {
  const asked = await open();
  await sendOne(asked, "Too early");
  talk.entries = talk.entries.filter((one) => one.text !== "Too early");
  if (talk.conversation) talk.conversation.drafts = [{ kind: "reply", text: "Too early", media_ids: [], media: [], seen_through: 1, saved_at: "2026-03-10T09:30:00Z" }];
  await until(() => field().value === "Too early", "the text did not come back");
});

it("offers times of the brand's own day", () => {
  const friday = Date.parse("2026-03-13T20:30:00Z"); // half past five on Saturday morning in Tokyo
  expect(laterChoices("Asia/Tokyo", friday)).toEqual([
    { id: "evening", wall: "2026-03-14T18:00" },
    { id: "tomorrow", wall: "2026-03-15T09:00" },
    { id: "monday", wall: "2026-03-16T09:00" },
  ]);
  expect(laterChoices("UTC", friday).map((one) => one.id)).toEqual(["tomorrow", "monday"]);
  expect(isToCome("Asia/Tokyo", "2026-03-14T05:00", friday)).toBe(false);
});
