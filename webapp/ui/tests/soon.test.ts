/** Bursts make one act, and acts on very many go out in lots that the server takes. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { inLots } from "../src/lib/api/lots";
import { soon } from "../src/lib/soon";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("runs once for a burst, again for the next, and not at all once stopped", () => {
  let runs = 0;
  const run = soon(() => (runs += 1), 100);
  for (let n = 0; n < 5; n++) run();
  vi.advanceTimersByTime(99);
  expect(runs).toBe(0);
  vi.advanceTimersByTime(1);
  expect(runs).toBe(1);
  run();
  vi.advanceTimersByTime(100);
  expect(runs).toBe(2);
  run();
  run.stop();
  vi.advanceTimersByTime(1000);
  expect(runs).toBe(2);
});

const ids = Array.from({ length: 230 }, (_, n) => n);
interface Became {
  id: number;
  why: string;
}
const refuse = (id: number, why: string): Became => ({ id, why });

it("sends all of very many, a hundred at a time, in their order", async () => {
  const sizes: number[] = [];
  const became = await inLots(ids, (lot) => (sizes.push(lot.length), Promise.resolve({ done: lot.length, items: lot.map((id) => ({ id, why: "" })) })), refuse);
  expect(sizes).toEqual([100, 100, 30]);
  expect(became.done).toBe(230);
  expect(became.items.map((one) => one.id)).toEqual(ids);
});

it("tells what was done before a lot fails, and why the rest was not", async () => {
  let lots = 0;
  const failing = (lot: number[]): Promise<{ done: number; items: Became[] }> => (++lots === 2 ? Promise.reject(new Error("away")) : Promise.resolve({ done: lot.length, items: lot.map((id) => ({ id, why: "" })) }));
  const became = await inLots(ids, failing, refuse);
  expect([lots, became.done]).toEqual([2, 100]);
  expect(became.items.filter((one) => one.why === "away").map((one) => one.id)).toEqual(ids.slice(100));
});

it("fails as the first request does", async () => {
  await expect(inLots(ids, () => Promise.reject(new Error("away")), refuse)).rejects.toThrow("away");
});
