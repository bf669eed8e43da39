/** What is typed faster than something opens. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { createRawSnippet } from "svelte";
import { afterEach, expect, it, vi } from "vitest";
import { typeAhead, typeOn } from "../src/lib/ahead";
import Menu from "../src/lib/parts/Menu.svelte";
import { withoutLayout } from "./layout";

afterEach(() => {
  typeOn();
  cleanup();
});

it("keeps nothing back once an item was chosen before its menu had the focus", async () => {
  withoutLayout();
  const run = vi.fn();
  const heard: string[] = [];
  const hear = (event: KeyboardEvent): void => void heard.push(event.key);
  addEventListener("keydown", hear);
  const children = createRawSnippet(() => ({ render: () => "<span>Close</span>" }));
  const menu = render(Menu, { items: [{ name: "No answer needed", key: "n", run }], label: "Close", children });
  typeAhead();
  await menu.rerender({ open: true });
  expect(document.activeElement?.closest("[role=menu]")).toBeFalsy();
  await fireEvent.keyDown(document.body, { key: "n" });
  expect(run).toHaveBeenCalledOnce();
  await fireEvent.keyDown(document.body, { key: "r" });
  removeEventListener("keydown", hear);
  expect(heard).toEqual(["r"]);
});
