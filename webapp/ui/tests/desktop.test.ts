/** Notifications of the browser: asked for by a click alone, of what is new and concerns one, not while one looks, without a sound. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { desktop } from "../src/lib/desktop.svelte";
import { live } from "../src/lib/live.svelte";
import { preferences } from "../src/lib/preferences.svelte";
import Desktop from "../src/pages/settings/Desktop.svelte";
import { serve, until } from "./api";

class Told {
  static permission = "default";
  static asked = 0;
  static all: Told[] = [];
  onclick: (() => void) | null = null;
  constructor(
    readonly title: string,
    readonly options: { tag: string; silent: boolean; body: string },
  ) {
    Told.all.push(this);
  }
  static requestPermission(): Promise<string> {
    Told.asked += 1;
    return Promise.resolve((Told.permission = "granted"));
  }
  close(): void {}
}

beforeEach(() => {
  Object.assign(Told, { permission: "default", asked: 0, all: [] });
  vi.stubGlobal("Notification", Told);
  desktop.standing = "default";
  preferences.desktop = preferences.desktopSound = false;
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it("asks the browser by a click, and then tells silently of what is new", async () => {
  const kept: { at: string; id: number; seen: boolean }[] = [];
  serve({ before: (one) => (one.path === "/notices" && kept.length ? [200, { items: kept, next_cursor: null }] : null) });
  let looks = true;
  vi.spyOn(document, "hasFocus").mockImplementation(() => looks);
  const heard: (() => void)[] = [];
  vi.spyOn(live, "onSoon").mockImplementation((types, act) => {
    if (types.includes("notice")) heard.push(act);
    return () => undefined;
  });
  const stop = desktop.follow();
  expect(Told.asked).toBe(0);
  render(Desktop);
  await fireEvent.click([...document.querySelectorAll("button")].find((one) => one.textContent?.includes("Tell me")) as HTMLButtonElement);
  await until(() => desktop.isOn, "not on");
  await new Promise((done) => setTimeout(done, 0));
  const one = { id: 900, kind: "mention", conversation_id: 5, customer: { name: "Kim" }, account: { handle: "northline" }, by: { name: "Ada" }, count: 1, text: "secret words", message_id: 1, at: "2999-01-01T00:00:00Z", seen: false };
  kept.push(one);
  heard[0]?.();
  await new Promise((done) => setTimeout(done, 20));
  expect(Told.all).toEqual([]); // they look at the page
  looks = false;
  kept[0] = { ...one, at: "2999-01-02T00:00:00Z" };
  heard[0]?.();
  await until(() => Told.all.length === 1, "nothing was told");
  expect(Told.all[0]).toMatchObject({ title: "Ada mentioned you", options: { tag: "notice-900", silent: true, body: "northline" } });
  expect(JSON.stringify(Told.all[0])).not.toContain("secret words");
  Told.all[0]?.onclick?.();
  expect(location.pathname).toBe("/inbox/5");
  stop();
});
