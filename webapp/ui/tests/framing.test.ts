/** What is shown of a picture: by rule, by keys, by figures; the cut never leaves the picture. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, describe, expect, it } from "vitest";
import type { Media } from "../src/lib/api/types";
import { SHAPES, focused, moved, position, pulled, shaped, turned, turnedSize, typed, whole, type Frame } from "../src/lib/framing";
import FrameDialog from "../src/lib/parts/FrameDialog.svelte";
import { until } from "./api";

const size = { width: 400, height: 300 };
const part: Frame = { turn: 0, left: 40, top: 30, width: 200, height: 100, focus: null };

afterEach(cleanup);

describe("the cut", () => {
  it("is moved and pulled as far as the picture goes, and no further", () => {
    expect(moved(part, 1000, -1000, size)).toMatchObject({ left: 200, top: 0, width: 200, height: 100 });
    expect(pulled(part, 1, 1, 1000, 1000, size, 0)).toMatchObject({ left: 40, top: 30, width: 360, height: 270 });
    expect(pulled(part, -1, -1, 1000, 1000, size, 0)).toMatchObject({ left: 224, top: 114, width: 16, height: 16 });
    expect(typed(part, { left: 390 }, size)).toMatchObject({ left: 200, width: 200 });
    expect(typed(part, { width: 9999 }, size)).toMatchObject({ left: 40, width: 360 });
  });

  it.each(Object.entries(SHAPES).filter(([, ratio]) => ratio))("keeps its shape: %s", (_, ratio) => {
    const all = shaped(whole(size), ratio, size);
    expect(Math.abs(all.width / all.height - ratio)).toBeLessThan(0.02);
    expect(Math.max(all.width / size.width, all.height / size.height)).toBe(1);
    for (const [hx, hy] of [[1, 1], [-1, -1], [1, -1], [-1, 1]] as const) {
      const less = pulled(all, hx, hy, hx * -90, hy * -90, size, ratio);
      expect(less.width).toBeLessThan(all.width);
      expect(Math.abs(less.width / less.height - ratio)).toBeLessThan(0.02);
    }
  });

  it("shows the same part after four turns, and its point with it", () => {
    const aimed = focused(part, 0.4, -0.8);
    const once = turned(aimed, true, size);
    expect(once).toEqual({ turn: 90, left: 170, top: 40, width: 100, height: 200, focus: { x: -0.8, y: -0.4 } });
    expect(turned(once, false, turnedSize(size, 90))).toEqual(aimed);
    expect(position(aimed)).toBe("70% 90%");
  });
});

describe("the dialog", () => {
  const file = { id: 1, url: "/media/1", name: "gate.jpg", mime: "image/jpeg", size: 1, width: 400, height: 300, alt: "", sha256: "a", film: null, poster_url: null } as Media;
  const named = (name: string): HTMLElement => document.querySelector(`[aria-label="${name}"]`) as HTMLElement;
  const button = (name: string): HTMLButtonElement => [...document.querySelectorAll("button")].find((one) => one.textContent?.trim() === name) as HTMLButtonElement;
  const figure = (id: string): HTMLInputElement => document.getElementById(`frame-${id}`) as HTMLInputElement;

  it("cuts, turns and aims by keys and figures alone", async () => {
    const given: (Frame | null)[] = [];
    render(FrameDialog, { file, frame: null, onapplied: async (frame: Frame | null) => void given.push(frame), onclosed: () => undefined });
    await fireEvent.click(button("1:1"));
    const area = named("Part that is shown. Arrow keys move it, with Shift they change its size.");
    expect([figure("width").value, figure("left").value]).toEqual(["300", "50"]);
    await fireEvent.keyDown(area, { key: "ArrowRight" });
    await fireEvent.keyDown(area, { key: "ArrowLeft", shiftKey: true });
    expect([figure("left").value, figure("width").value, figure("height").value]).toEqual(["54", "296", "296"]);
    await fireEvent.change(figure("top"), { target: { value: "2" } });
    await fireEvent.click(document.querySelector("input[type=checkbox]") as HTMLElement);
    await fireEvent.keyDown(named("Focal point. Arrow keys move it."), { key: "ArrowUp" });
    await fireEvent.change(figure("x"), { target: { value: "40" } });
    await fireEvent.click(named("Turn right"));
    await fireEvent.click(button("Apply"));
    await until(() => given.length === 1, "nothing was applied");
    expect(given[0]).toEqual({ turn: 90, left: 2, top: 54, width: 296, height: 296, focus: { x: 0.03, y: -0.4 } });
  });

  it("says why it was refused, and loses nothing", async () => {
    render(FrameDialog, { file, frame: part, onapplied: () => Promise.reject(new Error("no")), onclosed: () => undefined });
    await fireEvent.click(button("Apply"));
    await until(() => document.querySelector("[role=alert]") !== null, "nothing is said");
    expect(figure("width").value).toBe("200");
  });
});
