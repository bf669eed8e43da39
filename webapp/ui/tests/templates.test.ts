/** A post begun from a template: asked for its variables, the words of each network in its accounts, and taken back. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, expect, it } from "vitest";
import { allTemplates } from "../src/lib/api/templates";
import { session } from "../src/lib/session.svelte";
import { toasts } from "../src/lib/toasts.svelte";
import { draft } from "../src/pages/compose/draft.svelte";
import TemplateMenu from "../src/pages/compose/TemplateMenu.svelte";
import { serve, until } from "./api";
import { withoutLayout } from "./layout";

beforeEach(async () => {
  withoutLayout();
  serve();
  await session.load();
  await session.loadLists();
  draft.begin(null);
  draft.brandId = 1;
  const [x, other] = ["x", "mastodon"].map((network) => session.accounts.find((one) => one.brand.id === 1 && one.network === network));
  if (!x || !other) throw new Error("the world has no such accounts");
  draft.accountIds = [x.id, other.id];
  draft.templates = await allTemplates();
  render(TemplateMenu);
});
afterEach(cleanup);

const button = (name: string): HTMLButtonElement => [...document.querySelectorAll("button")].find((one) => one.textContent?.trim() === name) as HTMLButtonElement;
const box = (name: string): HTMLInputElement => [...document.querySelectorAll("label")].find((one) => one.textContent?.includes(name))?.control as HTMLInputElement;

async function choose(): Promise<void> {
  await fireEvent.keyDown(button("From a template"), { key: "Enter" });
  await until(() => document.querySelector("[role=menuitem]") !== null);
  expect([...document.querySelectorAll("[role=menuitem]")].map((one) => one.textContent?.trim())).toEqual(["Strike"]);
  await fireEvent.keyDown(document.querySelector("[role=menuitem]") as Element, { key: "Enter" });
  await until(() => box("day") !== undefined);
}
const texts = (): string[] => draft.accountIds.map((id) => draft.wholeFor(id).pieces[0]?.text ?? "");

it("writes each network's own words, and takes them back", async () => {
  draft.put(null, { ...draft.common, pieces: draft.common.pieces.map((piece) => ({ ...piece, text: "before" })) });
  await choose();
  expect(box("lines").value).toBe("all lines");
  await fireEvent.input(box("day"), { target: { value: "Monday" } });
  await fireEvent.submit(document.querySelector("form") as HTMLFormElement);
  await until(() => texts()[0] === "Strike Monday!");
  expect(texts()).toEqual(["Strike Monday!", "Strike on Monday: all lines stand still."]);
  toasts.at(-1)?.act?.run();
  await tick();
  expect(texts()).toEqual(["before", "before"]);
});

it("says which variable is missing and writes nothing", async () => {
  await choose();
  await fireEvent.input(box("day"), { target: { value: "  " } });
  await fireEvent.submit(document.querySelector("form") as HTMLFormElement);
  await until(() => document.body.textContent?.includes("is needed") ?? false);
  expect(texts()).toEqual(["", ""]);
});
