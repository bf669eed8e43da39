/** Keys as a person wants them: changed by pressing, conflicts named, all off, kept on the server; signs by what they write. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { bindKeys, chooseKeysBy } from "../src/lib/keys";
import { session } from "../src/lib/session.svelte";
import { pressed, shortcuts } from "../src/lib/shortcuts.svelte";
import Keyboard from "../src/pages/settings/Keyboard.svelte";
import { serve, until } from "./api";

let asked: ReturnType<typeof serve>["asked"];
beforeEach(async () => {
  asked = serve().asked;
  await session.load();
  chooseKeysBy((group, usual) => shortcuts.keyOf(group, usual));
});
afterEach(() => {
  cleanup();
  chooseKeysBy((_, usual) => usual);
  vi.unstubAllGlobals();
});

const press = (key: string, more: KeyboardEventInit = {}): boolean => window.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
const button = (name: string): HTMLButtonElement => {
  const found = [...document.querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === name);
  if (!found) throw new Error(`no button ${name}`);
  return found;
};

it("does by the new key what the old one did, and nothing by the old one", async () => {
  const claim = vi.fn();
  const stop = bindKeys({ c: claim });
  press("c");
  await shortcuts.change("claim", "q");
  press("c");
  press("q");
  expect(claim).toHaveBeenCalledTimes(2);
  await shortcuts.switch(true);
  press("q");
  expect(claim).toHaveBeenCalledTimes(2);
  expect(asked.filter((one) => one.method === "PATCH").at(-1)?.body).toEqual({ preferences: { shortcuts: { keys: { claim: "q" }, off: true } } });
  stop();
  await shortcuts.reset();
});

it("goes by the character that a key writes, with Shift or without", () => {
  const search = vi.fn();
  const stop = bindKeys({ "/": search }, "doThis");
  press("/");
  press("/", { shiftKey: true, code: "Period" }); // as a French keyboard writes it
  expect(search).toHaveBeenCalledTimes(2);
  stop();
  expect(pressed(new KeyboardEvent("keydown", { key: "Q", shiftKey: true, code: "KeyA" }))).toBe("Shift+Q");
  for (const refused of [{ key: "w", ctrlKey: true }, { key: "F5" }, { key: " " }, { key: "Enter" }]) expect(pressed(new KeyboardEvent("keydown", refused))).toBe("");
});

it("names what has a key already and keeps neither", async () => {
  render(Keyboard);
  await fireEvent.click(button("Change the key: Claim, or let go"));
  await fireEvent.keyDown(button("Change the key: Claim, or let go"), { key: "j" });
  expect(document.querySelector('[role="alert"]')?.textContent).toContain("“j” is taken by “Next conversation”");
  await fireEvent.keyDown(button("Change the key: Claim, or let go"), { key: "g" });
  expect(document.querySelector('[role="alert"]')?.textContent).toContain("Go to the inbox"); // it begins with g
  expect(asked.some((one) => one.method === "PATCH")).toBe(false);
  await fireEvent.keyDown(button("Change the key: Claim, or let go"), { key: "q" });
  await until(() => asked.some((one) => one.method === "PATCH"));
  expect(shortcuts.keyOf("conversations", "c")).toBe("q");
  expect(shortcuts.taken("reply", "c")).toBe("");
  expect(shortcuts.taken("select", "a")).toBe("assign");
  await shortcuts.change("assign", "");
  expect(shortcuts.taken("select", "a")).toBe("approve"); // it is heard among the approvals, too
  await shortcuts.reset();
});
