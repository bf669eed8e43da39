/** The media library: found by words, moved over and chosen by keys, deleted only after a second word. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import type { LibraryFile, Media } from "../src/lib/api/types";
import { session } from "../src/lib/session.svelte";
import FromLibrary from "../src/pages/compose/FromLibrary.svelte";
import FileDialog from "../src/pages/library/FileDialog.svelte";
import { serve, until, type World } from "./api";

const tiles = (): HTMLButtonElement[] => [...document.querySelectorAll<HTMLButtonElement>("ul button")];
const button = (name: string): HTMLButtonElement => [...document.querySelectorAll("button")].find((one) => one.textContent?.trim() === name) as HTMLButtonElement;

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("offers what the post does not have yet, and gives what was chosen by keys", async () => {
  const { asked } = serve();
  await session.load();
  await session.loadLists();
  const given: number[][] = [];
  render(FromLibrary, { brand: 1, has: [1], onchoose: (files: Media[]) => given.push(files.map((one) => one.id)), onclosed: () => undefined });
  await until(() => tiles().length > 3, "nothing was read");
  expect(asked.find((one) => one.path === "/media")).toBeDefined();
  expect(tiles().map((one) => one.tabIndex)).toEqual([0, ...tiles().slice(1).map(() => -1)]);
  await fireEvent.keyDown(tiles()[0] as HTMLElement, { key: "End" });
  expect(document.activeElement).toBe(tiles().at(-1));
  await fireEvent.click(document.activeElement as HTMLElement);
  await fireEvent.click(button("Add 1 file"));
  expect(given).toEqual([[8]]);
});

it("deletes a file for everybody only after a second word", async () => {
  const { world, asked } = serve();
  const files = async (): Promise<LibraryFile[]> => ((await (await fetch("/api/v1/media", {})).json()) as { items: LibraryFile[] }).items;
  const file = (await files()).find((one) => one.may.includes("delete")) as LibraryFile;
  const removed: number[] = [];
  render(FileDialog, { file, onchanged: () => undefined, onremoved: (id: number) => removed.push(id), onadded: () => undefined, onclosed: () => undefined });
  await until(() => document.body.textContent?.includes("Nothing uses it yet") ?? false, "where it is used is not told");
  await fireEvent.click(button("Delete…"));
  expect(asked.some((one) => one.method === "DELETE")).toBe(false);
  await fireEvent.click(button("Delete for everybody"));
  await until(() => removed.length === 1, "it was not deleted");
  expect((world as World & { files: LibraryFile[] }).files.some((one) => one.id === file.id)).toBe(false);
});
