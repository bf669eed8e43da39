// @vitest-environment node
/** The colours of tokens.css hold their contrast on every ground, in both themes. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync(new URL("../src/styles/tokens.css", import.meta.url), "utf8");
const tokens = new Map([...css.matchAll(/--([\w-]+): light-dark\((#\w+), (#\w+)\)/g)].map(([, name = "", light = "", dark = ""]) => [name, { light, dark }]));

function luminance(hex: string): number {
  const channel = (place: number): number => {
    const value = parseInt(hex.slice(1 + place * 2, 3 + place * 2), 16) / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2);
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS = ["surface", "ground", "sunken", "hover", "chosen"];
const PAIRS: [string, string[], number][] = [
  ["text", [...GROUNDS, "note-ground", "late-soft", "accent-soft"], 4.5],
  ["text-2", [...GROUNDS, "note-ground"], 4.5],
  ["text-3", ["surface", "ground", "sunken", "hover"], 4.5],
  ["accent", ["surface", "ground", "chosen"], 4.5],
  ["on-accent", ["accent", "accent-strong"], 4.5],
  ["late", ["surface", "ground", "late-soft", "chosen"], 4.5],
  ["soon", ["surface", "ground", "soon-soft", "chosen"], 4.5],
  ["good", ["surface", "ground", "good-soft", "accent-soft"], 4.5],
  ["info", ["surface", "ground", "info-soft"], 4.5],
  ["line-control", ["surface", "ground"], 3],
  // The marks of labels and campaigns; their names stand beside them in --text-2.
  ...["neutral", "red", "amber", "green", "blue", "violet"].map((one): [string, string[], number] => [`mark-${one}`, ["surface", "ground", "hover", "chosen", "accent-soft"], 3]),
  ["note-line", ["surface", "note-ground"], 3],
];

describe.each(["light", "dark"] as const)("in the %s theme", (theme) => {
  it.each(PAIRS)("%s is legible on %s (%d:1)", (name, grounds, least) => {
    for (const ground of grounds) {
      const [front, back] = [tokens.get(name), tokens.get(ground)];
      expect(front && back, `${name} on ${ground}`).toBeTruthy();
      if (front && back) expect(contrast(front[theme], back[theme]), `${name} on ${ground}`).toBeGreaterThanOrEqual(least);
    }
  });
});
