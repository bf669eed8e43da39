/** Texts count as their network counts them. */
import { beforeAll, describe, expect, it } from "vitest";
import type { TextLimit } from "../src/lib/api/types";
import { count, prepareCounting } from "../src/lib/counting";

const base: TextLimit = { max_length: 280, unit: "weighted", url_length: 23, max_bytes: null, mention_local_only: false, source: "", as_of: "2026-01-01" };
const mastodon: TextLimit = { ...base, unit: "character", max_length: 500, mention_local_only: true };
const bluesky: TextLimit = { ...base, unit: "grapheme", max_length: 300, url_length: null, max_bytes: 3000 };

beforeAll(() => prepareCounting([base]));

describe("X", () => {
  it.each([
    ["hello", 5],
    ["日本語", 6],
    ["👨‍👩‍👧‍👦", 2],
    ["https://example.com/a/very/long/path?with=query", 23],
    ["see example.com.", 4 + 23 + 1],
    ["café", 4],
    ["cafe\u0301", 4],
  ])("%s", (text, used) => {
    expect(count(text, base).used).toBe(used);
  });

  it("says what is left, below nothing too", () => {
    expect(count("a".repeat(290), base).left).toBe(-10);
  });
});

describe("Mastodon", () => {
  it.each([
    ["@someone@far.example hi", "@someone hi".length],
    ["https://example.com/a/very/long/path?with=query end", 23 + 4],
    ["example.com", 11],
  ])("%s", (text, used) => {
    expect(count(text, mastodon).used).toBe(used);
  });
});

describe("Bluesky", () => {
  it.each([
    ["👨‍👩‍👧‍👦", 1],
    ["e\u0301", 1],
    ["🇫🇷🇩🇪", 2],
  ])("%s", (text, used) => {
    expect(count(text, bluesky).used).toBe(used);
  });

  it("limits bytes too", () => {
    expect(count("👨‍👩‍👧‍👦".repeat(121), bluesky)).toMatchObject({ used: 121, tooManyBytes: true });
  });
});

it("leaves an unlimited network unlimited", () => {
  expect(count("x".repeat(9999), { ...base, unit: "unlimited", max_length: null, url_length: null }).left).toBeNull();
});
