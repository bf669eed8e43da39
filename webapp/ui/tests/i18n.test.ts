/** Both languages say the same things, and French keeps its typography. */
import { describe, expect, it } from "vitest";
import { en } from "../src/lib/i18n/en";
import { fr } from "../src/lib/i18n/fr";

type Tree = { [name: string]: unknown };

function paths(tree: Tree, at = ""): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [name, value] of Object.entries(tree)) {
    if (typeof value === "object" && value !== null) for (const [path, leaf] of paths(value as Tree, `${at}${name}.`)) found.set(path, leaf);
    else found.set(at + name, value);
  }
  return found;
}

/** Every sentence a catalogue can say, functions called with stand-ins. */
function sentences(tree: Tree): [string, string][] {
  const standIn = new Proxy(() => 2, {
    get: (_, name) => (name === Symbol.toPrimitive ? () => "2" : name === "length" ? 2 : name === "includes" ? () => false : standIn),
    apply: () => standIn,
  }) as unknown;
  return [...paths(tree)].map(([path, value]) => [path, typeof value === "function" ? String((value as (...given: unknown[]) => unknown)(standIn, standIn)) : String(value)]);
}

const english = paths(en as unknown as Tree);
const french = paths(fr as unknown as Tree);

describe("the catalogues", () => {
  it("have the same names", () => {
    expect([...french.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it("have texts where the other has texts, functions where it has functions", () => {
    for (const [path, value] of english) expect(typeof french.get(path), path).toBe(typeof value);
  });

  it("leave nothing empty", () => {
    for (const catalogue of [english, french]) for (const [path, value] of catalogue) if (typeof value === "string") expect(value.trim(), path).not.toBe("");
  });

  it("put a no-break space before French double punctuation, and use typographic apostrophes", () => {
    for (const [path, said] of sentences(fr as unknown as Tree)) {
      expect(said.replace(/https?:\S+|\d:\d|::/g, ""), path).not.toMatch(/[^\u00a0\u202f\s"'(\d][;:!?»]| [;:!?»]|« /u);
      expect(said, path).not.toMatch(/\p{L}'\p{L}/u);
    }
  });

  it("say almost nothing in French that is word for word the English", () => {
    const same = [...english].filter(([path, value]) => typeof value === "string" && value.length > 14 && french.get(path) === value);
    expect(same).toEqual([]);
  });
});
