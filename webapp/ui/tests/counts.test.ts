/** The number on the icon of an installed application. */
import { afterEach, expect, it, vi } from "vitest";
import { counts } from "../src/lib/counts.svelte";
import { serve } from "./api";

afterEach(() => vi.unstubAllGlobals());

it("shows how many are mine on the icon, and stands a browser that refuses or has none", async () => {
  serve();
  await counts.read();
  const set = vi.fn(() => Promise.reject(new Error("not allowed")));
  vi.stubGlobal("navigator", { ...navigator, setAppBadge: set });
  await counts.read();
  expect(set).toHaveBeenCalledWith(counts.mine);
  expect(counts.mine).toBeGreaterThan(0);
});
