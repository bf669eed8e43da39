/** A shift at the inbox, against the made-up API. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import Inbox from "../src/pages/inbox/Inbox.svelte";
import { answer } from "../src/pages/inbox/answer.svelte";
import { box } from "../src/pages/inbox/box.svelte";
import { describeEvent } from "../src/pages/inbox/events";
import { panes } from "../src/pages/inbox/panes.svelte";
import { sides } from "../src/pages/inbox/sides.svelte";
import { talk } from "../src/pages/inbox/talk.svelte";
import { go, route } from "../src/lib/router.svelte";
import type { Entry } from "../src/lib/api/types";
import { session } from "../src/lib/session.svelte";
import { toasts } from "../src/lib/toasts.svelte";
import { serve, until, type Asked } from "./api";
import { withoutLayout } from "./layout";

function at(path: string): void {
  history.replaceState({}, "", path);
  go(path, { replace: true });
}

async function open(path: string, before?: (asked: Asked) => [number, unknown] | null): Promise<ReturnType<typeof serve>> {
  const served = serve(before ? { before } : {});
  at(path);
  await session.load();
  await session.loadLists();
  render(Inbox);
  await until(() => !box.loading, "the list did not load");
  return served;
}

const press = (key: string): Promise<unknown> => fireEvent.keyDown(document.activeElement ?? document.body, { key, code: `Key${key.toUpperCase()}` });
const field = (): HTMLTextAreaElement => document.querySelector<HTMLTextAreaElement>(".box textarea") as HTMLTextAreaElement;
const button = (name: string): HTMLButtonElement => [...document.querySelectorAll("button")].find((one) => one.textContent?.trim() === name) as HTMLButtonElement;

async function write(text: string): Promise<void> {
  await fireEvent.input(field(), { target: { value: text } });
  await tick();
}

beforeEach(withoutLayout);
afterEach(() => {
  cleanup();
  talk.shut();
  toasts.length = 0;
  vi.unstubAllGlobals();
});

it("shows who waits longest first, as the server ordered them", async () => {
  const { world } = await open("/inbox?view=open");
  const names = [...document.querySelectorAll("li bdi.name")].map((one) => one.textContent);
  const waiting = world.conversations.filter((row) => row.waiting_since).sort((a, b) => Date.parse(a.waiting_since ?? "") - Date.parse(b.waiting_since ?? ""));
  expect(names.slice(0, 3)).toEqual(waiting.slice(0, 3).map((row) => row.customer.name));
});

it("moves by j and k and opens what one stands on", async () => {
  await open("/inbox?view=open");
  await press("j");
  await until(() => document.activeElement?.id.startsWith("row-") ?? false);
  const first = document.activeElement?.id;
  await press("j");
  await until(() => document.activeElement?.id !== first);
  await press("k");
  await until(() => document.activeElement?.id === first);
  expect(box.standing).toBe(Number(first?.slice(4)));
});

it("takes the next of a team's queue from the menu, and says when there is none", async () => {
  let left: number | null = 2;
  const { world, asked } = await open("/inbox?view=open", (one) => {
    if (!one.path.endsWith("/next")) return null;
    const taken = world.conversations.find((row) => row.id === left) ?? null;
    left = null;
    return [200, { conversation: taken }];
  });
  if (session.me) session.me.teams = [{ id: 2, name: "Technical" }];
  await tick();
  const choose = async (): Promise<void> => {
    document.querySelector<HTMLElement>(".views [aria-haspopup=menu]")?.focus();
    await fireEvent.keyDown(document.activeElement as Element, { key: "Enter" });
    await until(() => document.querySelector("[role=menuitem]") !== null, "the menu did not open");
    const item = [...document.querySelectorAll("[role^=menuitem]")].find((one) => one.textContent?.includes("Take the next of")) as Element;
    await fireEvent.keyDown(item, { key: "Enter" });
  };
  await choose();
  await until(() => route.parts[0] === "2", "it did not open");
  await until(() => document.querySelector("[role=menuitem]") === null);
  await choose();
  await until(() => toasts.some((one) => one.text.includes("Nothing waits for you")), "nothing was said");
  expect(asked.filter((one) => one.path.endsWith("/next"))).toHaveLength(2);
});

it("rests its keys while somebody types", async () => {
  const { asked } = await open("/inbox/2?view=open");
  await until(() => field() !== null, "the box did not appear");
  field().focus();
  await press("c");
  expect(asked.filter((one) => one.path.endsWith("/claim"))).toEqual([]);
});

it("sends an answer with what its author had seen, and empties the box", async () => {
  const { asked, world } = await open("/inbox/2?view=open");
  await until(() => field() !== null);
  await write("Which version of the app is it?");
  await fireEvent.click(button("Send"));
  await until(() => answer.texts.reply === "" && !answer.sending);
  const sent = asked.find((one) => one.path === "/conversations/2/reply");
  const seen = world.entries.get(2)?.filter((one) => one.kind === "message" && !one.delivery?.state.startsWith("sending"));
  expect(sent?.body).toMatchObject({ text: "Which version of the app is it?", close: false, seen_through: seen?.at(-1)?.id });
});

it("keeps the text and says why when the answer is refused", async () => {
  await open("/inbox/2?view=open");
  await until(() => field() !== null);
  await write("this is a conflict");
  await fireEvent.click(button("Send"));
  await until(() => document.querySelector(".box [role=alert]") !== null, "no reason shown");
  expect(field().value).toBe("this is a conflict");
  expect(document.querySelector(".box [role=alert]")?.textContent).toContain("Somebody wrote meanwhile");
});

it("tries the same answer again under the same key after a doubt", async () => {
  let down = true;
  const { asked } = await open("/inbox/2?view=open", (one) => {
    if (!one.path.endsWith("/reply") || !down) return null;
    down = false;
    throw new TypeError("no network");
  });
  await until(() => field() !== null);
  await write("Once is enough");
  await fireEvent.click(button("Send"));
  await until(() => answer.failure !== null && !answer.sending);
  expect(field().value).toBe("Once is enough");
  await fireEvent.click(button("Send"));
  await until(() => answer.texts.reply === "");
  const keys = asked.filter((one) => one.path.endsWith("/reply")).map((one) => one.headers.get("Idempotency-Key"));
  expect(keys).toHaveLength(2);
  expect(keys[0]).toBe(keys[1]);
});

it("brings an answer that the network refused back into the box with its reason", async () => {
  const { world } = await open("/inbox/2?view=open");
  await until(() => field() !== null);
  await write("Please be patient");
  await fireEvent.click(button("Send"));
  await until(() => answer.texts.reply === "");
  const delivery = world.entries.get(2)?.find((one) => one.text === "Please be patient")?.delivery;
  Object.assign(delivery ?? {}, { state: "failed", reason: "text too similar to an earlier one" });
  await talk.read();
  await until(() => field().value === "Please be patient", "the text did not come back");
  expect(document.querySelector(".box .refused")?.textContent).toContain("too similar");
});

it("keeps a note apart from a reply and saves both as drafts", async () => {
  const { asked } = await open("/inbox/2?view=open");
  await until(() => field() !== null);
  await write("for the customer");
  answer.flush();
  await fireEvent.click(button("Internal note"));
  await write("for colleagues");
  answer.flush();
  await until(() => asked.filter((one) => one.path.endsWith("/draft")).length === 2);
  expect(asked.filter((one) => one.path.endsWith("/draft")).map((one) => [one.body["kind"], one.body["text"]])).toEqual([
    ["reply", "for the customer"],
    ["note", "for colleagues"],
  ]);
  expect(button("Send")).toBeUndefined();
});

it("lets no older save come after a newer one, nor after the answer, and waits for none once the page goes away", async () => {
  const { asked } = await open("/inbox/2?view=open");
  await until(() => field() !== null);
  const saved = (): unknown[] => asked.filter((one) => one.path.endsWith("/draft")).map((one) => one.body["text"]);
  const straight = globalThis.fetch;
  let release = (): void => undefined;
  const held = new Promise<void>((done) => (release = done));
  let first = true;
  vi.stubGlobal("fetch", async (address: string, init: RequestInit = {}) => {
    const hold = first && address.endsWith("/draft");
    if (hold) first = false;
    const response = await straight(address, init);
    if (hold) await held;
    return response;
  });
  const pause = (): Promise<void> => new Promise((done) => setTimeout(done, 20));
  await write("one");
  answer.flush();
  await write("one, two");
  answer.flush();
  await pause();
  expect(saved()).toEqual(["one"]);
  await write("one, two, three");
  answer.leave();
  await until(() => saved().length === 2, "the page went away without it");
  expect(saved()).toEqual(["one", "one, two, three"]);
  release();
  await pause();
  expect(saved(), "what was overtaken came after all").toHaveLength(2);
});

it("sends an answer when the save before it has ended", async () => {
  const { asked } = await open("/inbox/2?view=open");
  await until(() => field() !== null);
  const straight = globalThis.fetch;
  let release = (): void => undefined;
  const held = new Promise<void>((done) => (release = done));
  vi.stubGlobal("fetch", async (address: string, init: RequestInit = {}) => {
    const response = await straight(address, init);
    if (address.endsWith("/draft")) await held;
    return response;
  });
  const replied = (): boolean => asked.some((one) => one.path.endsWith("/reply"));
  await write("On its way");
  answer.flush();
  await fireEvent.click(button("Send"));
  await new Promise((done) => setTimeout(done, 20));
  expect(replied()).toBe(false);
  release();
  await until(replied);
});

it("says in the list until when a conversation is set aside, and that an answer goes out then", async () => {
  const { world } = await open("/inbox?view=snoozed");
  const told = (): string => (document.querySelector("#row-7 .put-off")?.textContent ?? "").replace(/\s+/g, " ");
  await until(() => told() !== "", "nothing says when it is back");
  expect(told()).toMatch(/^Back /);
  const row = world.conversations.find((one) => one.id === 7);
  Object.assign(row ?? {}, { snoozed_until: null, planned_at: new Date(Date.now() + 20 * 60_000).toISOString() });
  await box.read();
  await until(() => told().includes("Answer goes out in 20 min"));
});

it("says what a rule holds and lets it through by key, alone and in bulk", async () => {
  const { world, asked } = await open("/inbox/2?view=open");
  for (const row of world.conversations.filter((one) => one.id < 3)) Object.assign(row, { held_since: new Date().toISOString(), held_by: "Rude" });
  await Promise.all([box.read(), talk.read()]);
  await until(() => document.querySelector(".held[role=status]") !== null, "nothing says that it is held");
  expect(document.querySelector(".held[role=status]")?.textContent).toContain("Held for review by the rule “Rude”");
  expect(document.querySelector("#row-1 .held")?.textContent).toBe("For review");
  await fireEvent.keyDown(document.body, { key: "e" });
  await fireEvent.keyDown(document.body, { key: "l" });
  await until(() => asked.some((one) => one.path === "/conversations/2/reopen"), "it was not let through");
  await until(() => document.querySelector(".held[role=status]") === null, "it still says that it is held");
  expect(asked.some((one) => one.path === "/conversations/1/reopen")).toBe(false);
});

it("refuses to send what is too long as the network counts", async () => {
  await open("/inbox/1?view=open");
  await until(() => field() !== null);
  await write("字".repeat(141));
  await until(() => button("Send").disabled, "Send stayed open");
  expect(document.getElementById("answer-left")?.textContent).toContain("too many");
});

it("opens the next one after sending and closing", async () => {
  await open("/inbox/9?view=open");
  await until(() => field() !== null);
  const next = box.beside(9, 1)?.id;
  await write("Two weeks at most.");
  await fireEvent.click(button("Send and close"));
  await until(() => route.parts[0] === String(next), "it stayed");
});

it("goes on to what is not done with: below first, above from the foot, and to nothing after all of it", async () => {
  await open("/inbox?view=open");
  const ids = box.rows.map((row) => row.id);
  const middle = Math.floor(ids.length / 2);
  const order = [...ids.slice(middle), ...ids.slice(0, middle).reverse()];
  expect(order.map((id) => box.after(id)?.id)).toEqual([...order.slice(1), undefined]);
  await box.read({ quiet: true });
  expect(box.after(ids[0] as number)?.id).toBe(ids[1]);
});

it("offers to close what is set aside, and only to reopen what is finished", async () => {
  const { world } = await open("/inbox/7?view=snoozed");
  const offered = (): string[] => ["Reopen", "Close"].filter((name) => document.querySelector(`[role=toolbar] [aria-label="${name}"]`));
  await until(() => field() !== null);
  expect(offered()).toEqual(["Reopen", "Close"]);
  Object.assign(world.conversations.find((row) => row.id === 7) ?? {}, { state: "resolved" });
  await talk.read();
  await tick();
  expect(offered()).toEqual(["Reopen"]);
});

it("says why a list is empty and what to do", async () => {
  serve({ empty: true });
  at("/inbox");
  session.accounts = [];
  await session.load();
  await session.loadLists();
  render(Inbox);
  await until(() => !box.loading);
  expect(document.body.textContent).toContain("No account is connected yet");
});

it("names the priority that an event keeps as a number", () => {
  const said = (to: number): string => describeEvent({ kind: "event", event: "priority", author: "", staff: null, data: { to } } as unknown as Entry);
  expect(said(3)).toBe("Guichet set the priority: Urgent");
  expect(said(0)).toBe("Guichet set the priority: Low");
});

it("puts whoever asks or waits for somebody else into the first field, wherever they stood", async () => {
  const { world } = await open("/inbox/2?view=open");
  await until(() => talk.conversation?.id === 2);
  const stood = document.getElementById("row-2") as HTMLElement;
  stood.focus();
  await press("w");
  await until(() => document.activeElement?.id === "wait-whom", "the field has not the focus");
  panes.asking = null;
  await until(() => !document.querySelector("[role=dialog]"), "it did not close");
  stood.focus();
  sides.mailboxes = [];
  await press("o");
  await until(() => document.querySelector("[role=dialog]") !== null, "it did not open");
  sides.mailboxes = world.conversations.slice(0, 1).map((one) => one.account);
  await until(() => document.activeElement?.id === "side-to", "the field that came late has not the focus");
  panes.asking = null;
});

it("keeps back no more of what is typed once its page was left", async () => {
  const press = (key: string): boolean => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  await open("/inbox/2?view=open");
  press("a");
  expect(press("z")).toBe(false);
  cleanup();
  expect(press("z")).toBe(true);
});

it("marks in a row what was looked for, as text", async () => {
  await open("/inbox?view=open");
  const row = box.rows[0];
  if (!row) throw new Error("there is no row");
  box.put({ ...row, excerpt: { message_id: 1, at: row.last_message_at, parts: [{ text: "my ", hit: false }, { text: "<b>bags</b>", hit: true }] } });
  await tick();
  expect(document.querySelector(`#row-${row.id} mark`)?.textContent).toBe("<b>bags</b>");
});

it("names the word of a search that makes no sense, beside the box", async () => {
  const refused = [422, { status: 422, title: "Invalid", code: "invalid", detail: "no", errors: [{ field: "q", message: "“is:odd” makes no sense" }] }] as [number, unknown];
  await open("/inbox?q=is:odd&state=all", ({ path }) => (path === "/conversations" ? refused : null));
  const input = document.getElementById("inbox-search");
  expect(input?.getAttribute("aria-invalid")).toBe("true");
  expect(document.getElementById(input?.getAttribute("aria-describedby") ?? "")?.textContent).toBe("“is:odd” makes no sense");
});

it("writes an operator chosen in the search's sheet into the box", async () => {
  await open("/inbox?view=open");
  await fireEvent.click(document.querySelector('[aria-label="What the search understands"]') as HTMLElement);
  await until(() => [...document.querySelectorAll("code")].some((one) => one.textContent === "has:"));
  await fireEvent.click([...document.querySelectorAll("code")].find((one) => one.textContent === "has:")?.closest("button") as HTMLElement);
  expect((document.getElementById("inbox-search") as HTMLInputElement).value).toBe("has:");
});

it("writes a field of the company's own that was chosen there, ready for its value", async () => {
  const tier = { id: 1, subject: "customer", key: "tier", name: "Tier", kind: "text", archived: false };
  const gone = { ...tier, id: 2, key: "gone", archived: true };
  await open("/inbox?view=open", ({ path }) => (path === "/fields" ? [200, { items: [tier, gone], next_cursor: null }] : null));
  await fireEvent.click(document.querySelector('[aria-label="What the search understands"]') as HTMLElement);
  await until(() => [...document.querySelectorAll("code")].some((one) => one.textContent === "field:tier="));
  expect([...document.querySelectorAll("code")].some((one) => one.textContent === "field:gone=")).toBe(false);
  await fireEvent.click([...document.querySelectorAll("code")].find((one) => one.textContent === "field:tier=")?.closest("button") as HTMLElement);
  expect((document.getElementById("inbox-search") as HTMLInputElement).value).toBe("field:tier=");
});
