/** Mentions, followers and what one is told, against the made-up API. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import NoticeSheet from "../src/frame/NoticeSheet.svelte";
import { tokenAt } from "../src/lib/completing";
import { dialogs } from "../src/lib/dialogs.svelte";
import { notices } from "../src/lib/notices.svelte";
import { go, route } from "../src/lib/router.svelte";
import { session } from "../src/lib/session.svelte";
import { toasts, undoLast } from "../src/lib/toasts.svelte";
import { answer } from "../src/pages/inbox/answer.svelte";
import { box } from "../src/pages/inbox/box.svelte";
import Inbox from "../src/pages/inbox/Inbox.svelte";
import { talk } from "../src/pages/inbox/talk.svelte";
import { serve, until } from "./api";
import { withoutLayout } from "./layout";

beforeEach(withoutLayout);
afterEach(() => {
  cleanup();
  talk.shut();
  dialogs.notices = false;
  toasts.length = 0;
  vi.unstubAllGlobals();
});

async function open(path: string): Promise<ReturnType<typeof serve>> {
  const served = serve();
  history.replaceState({}, "", path);
  go(path, { replace: true });
  await session.load();
  await session.loadLists();
  render(Inbox);
  await until(() => !box.loading && talk.conversation !== null, "nothing opened");
  return served;
}

const field = (): HTMLTextAreaElement => document.querySelector<HTMLTextAreaElement>(".box textarea") as HTMLTextAreaElement;
const options = (): string[] => [...document.querySelectorAll(".suggested .name")].map((one) => one.textContent ?? "");
const press = (key: string): Promise<unknown> => fireEvent.keyDown(field(), { key });

async function type(text: string): Promise<void> {
  field().value = text;
  field().setSelectionRange(text.length, text.length);
  await fireEvent.input(field());
  await tick();
}

it("knows a mark at the start of a word from an address, a time and a fraction", () => {
  expect(tokenAt("ask @jon", 8, "@")).toEqual({ start: 4, end: 8, typed: "jon" });
  expect(tokenAt("(@jon w", 7, "@", true)).toEqual({ start: 1, end: 7, typed: "jon w" });
  for (const text of ["a@b.example", "at 10:30", "1/2", "@ jon", "@jon\nw"]) expect(tokenAt(text, text.length, "@:/", true)).toBeNull();
  expect(tokenAt("@jon w", 6, "@")).toBeNull();
  expect(tokenAt("", 30, "@", true)).toBeNull();
});

it("completes a colleague's name in a note by keyboard, and marks it when it is said", async () => {
  const { asked } = await open("/inbox/2?view=open");
  answer.kind = "note";
  await tick();
  await type("please @jo");
  await until(() => options().length > 0, "nobody was suggested");
  expect(options()).toEqual(["Jonas Lindqvist"]);
  expect(document.getElementById(field().getAttribute("aria-activedescendant") ?? "")?.textContent).toContain("Jonas");
  await press("Enter");
  await until(() => field().value === "please @Jonas Lindqvist ");
  expect(options()).toEqual([]);
  await answer.send(false);
  expect(asked.find((one) => one.path === "/conversations/2/note")?.body["text"]).toBe("please @Jonas Lindqvist ");
  await tick();
  expect([field().value, options()]).toEqual(["", []]);
  await until(() => document.querySelector("strong.called")?.textContent === "@Jonas Lindqvist", "the name is not marked");
});

it("suggests teams too, leaves what was typed on Escape, and nobody in an answer", async () => {
  await open("/inbox/2?view=open");
  answer.kind = "note";
  await tick();
  await type("@tech");
  await until(() => options().length > 0);
  expect(options()).toEqual(["Technical"]);
  await press("Escape");
  await tick();
  expect([options(), field().value]).toEqual([[], "@tech"]);
  answer.kind = "reply";
  await tick();
  await type("@jo");
  expect(options()).toEqual([]);
});

it("follows by one key and takes it back by another", async () => {
  const { asked } = await open("/inbox/2?view=open");
  await fireEvent.keyDown(document.body, { key: "f", code: "KeyF" });
  await until(() => talk.conversation?.followed === true && toasts.length > 0);
  undoLast();
  await until(() => talk.conversation?.followed === false);
  expect(asked.filter((one) => one.path.includes("follow")).map((one) => one.path)).toEqual(["/conversations/2/follow", "/conversations/2/unfollow"]);
});

it("lists what one was told, opens it and counts down", async () => {
  const { asked } = serve();
  await notices.count();
  expect(notices.unseen).toBe(3);
  render(NoticeSheet);
  dialogs.notices = true;
  await until(() => document.querySelectorAll(".dialog li").length === 4, "the list did not load");
  expect(document.querySelectorAll(".dialog li.fresh")).toHaveLength(3);
  await fireEvent.click(document.querySelector(".dialog li a") as HTMLElement);
  await until(() => notices.unseen === 2);
  expect(route.parts[0]).toBe("4");
  expect(dialogs.notices).toBe(false);
  expect(asked.find((one) => one.path === "/notices/seen")?.body).toEqual({ ids: [4] });
});
