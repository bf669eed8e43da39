/** What a person types for a day and an hour, and where an account differs from the others. */
import { describe, expect, test } from "vitest";
import type { Media, Post } from "$lib/api/types";
import { monthAfter, readDay, readHour, weeksOf, writtenDay } from "$lib/walltimes";
import { merged, newPiece, ownOf, readPost, shownOf, variantIn } from "../src/pages/compose/pieces";
import { linkWanted } from "../src/pages/compose/cards.svelte";

const file = (id: number): Media => ({ id, url: "", name: "", mime: "image/png", size: 1, width: 1, height: 1, alt: "", sha256: "", film: null, poster_url: null });

describe("days and hours as they are typed", () => {
  test.each([
    ["24/11/2026", "2026-11-24"],
    ["1.2.27", "2027-02-01"],
    ["29/02", "2028-02-29"],
    ["2026-11-24", "2026-11-24"],
    ["31/11/2026", null],
    ["11/24/2026", null],
    ["tomorrow", null],
  ])("%s", (typed, day) => expect(readDay(typed, 2028)).toBe(day));

  test.each([
    ["9", "09:00"],
    ["9:30", "09:30"],
    ["9h5", "09:05"],
    ["14h", "14:00"],
    ["0930", "09:30"],
    ["12 am", "00:00"],
    ["9:15 pm", "21:15"],
    ["24:00", null],
    ["13 pm", null],
    ["9:60", null],
    ["noon", null],
  ])("%s", (typed, hour) => expect(readHour(typed)).toBe(hour));

  test("a month is whole weeks from Monday, and the last day of a shorter month is kept to", () => {
    const weeks = weeksOf("2026-11-24");
    expect([weeks[0]?.[0], weeks.at(-1)?.at(-1), weeks.length]).toEqual(["2026-10-26", "2026-12-06", 6]);
    expect(monthAfter("2026-01-31", 1)).toBe("2026-02-28");
    expect(writtenDay("2026-11-04T09:00")).toBe("04/11/2026");
  });
});

describe("where an account differs", () => {
  const common = { pieces: [newPiece("one", [file(1)]), newPiece("two")], comment: "link", frames: {} };

  test("what is the same is not its own, what differs is", () => {
    expect(ownOf(common, merged(common, undefined))).toBeUndefined();
    expect(ownOf(common, merged(common, { text: "uno" }))).toEqual({ text: "uno" });
    expect(ownOf(common, { pieces: common.pieces.slice(0, 1), comment: "", frames: {} })).toEqual({ items: [], comment: "" });
  });

  test("what is not its own follows the common post, also after a change", () => {
    const later = { ...common, pieces: [newPiece("changed", [file(2)]), ...common.pieces.slice(1)] };
    expect(merged(later, { text: "uno" }).pieces.map((piece) => [piece.text, piece.media.map((one) => one.id)])).toEqual([["uno", [2]], ["two", []]]);
  });

  test("only what is its own is sent, and it is read back as it was", () => {
    const own = { items: [newPiece("zwei", [file(3)])], comment: "" };
    const sent = variantIn(7, own);
    expect(sent).toEqual({ account_id: 7, text: null, items: [{ text: "zwei", media_ids: [3] }], first_comment: "", media_ids: null, framing: null, cards: null, language: null, subject: null });
    const post = { text: "one", media_ids: [1], items: [{ text: "two", media_ids: [] }], first_comment: "link", media: [file(1), file(3)], framing: [], cards: [], variants: [sent] } as unknown as Post;
    const read = readPost(post);
    expect(variantIn(7, read.own[7])).toEqual(sent);
    expect(read.common.pieces.map((piece) => piece.text)).toEqual(["one", "two"]);
  });

  test("a picture that is cut otherwise there is cut otherwise there alone", () => {
    const cut = { turn: 90, left: 1, top: 2, width: 30, height: 40, focus: { x: 0.5, y: -0.5 }, url: "/made/1" } as const;
    const framed = { ...common, frames: { 1: cut } };
    expect(ownOf(framed, merged(framed, undefined))).toBeUndefined();
    const own = ownOf(framed, { ...framed, frames: { 1: { ...cut, focus: null } } });
    const sent = variantIn(7, own);
    expect(sent.framing).toEqual([{ media_id: 1, turn: 90, left: 1, top: 2, width: 30, height: 40, focus: null }]);
    expect(variantIn(8, ownOf(framed, { ...framed, frames: {} })).framing).toEqual([]);
    const post = { text: "one", media_ids: [1], items: [], first_comment: "", media: [file(1)], framing: [{ media_id: 1, ...cut }], cards: [], variants: [{ ...sent, framing: [{ ...sent.framing?.[0], url: null }] }] } as unknown as Post;
    const read = readPost(post);
    expect(shownOf(read.common, file(1))).toBe("/made/1");
    expect(shownOf(merged(read.common, read.own[7]), file(1))).toBe(file(1).url);
    expect(variantIn(7, read.own[7])).toEqual(sent);
  });
});

describe("cards of links", () => {
  const card = { shown: true, url: "https://a.example/", title: "A", description: "", picture: null };
  const common = { pieces: [newPiece("https://a.example/"), newPiece("two")], comment: "", frames: {} };

  test("an account has cards of its own for every piece, read back as they were sent", () => {
    const whole = { ...common, pieces: [{ ...common.pieces[0], card }, common.pieces[1]] } as typeof common;
    const own = ownOf(common, whole);
    expect(own).toEqual({ cards: [card, undefined] });
    const sent = variantIn(7, own);
    expect(sent.cards).toEqual([{ item: 0, shown: true, url: "https://a.example/", title: "A", description: "", media_id: null }]);
    const post = { text: "https://a.example/", media_ids: [], items: [{ text: "two", media_ids: [] }], first_comment: "", media: [], framing: [], cards: [], variants: [sent] } as unknown as Post;
    const read = readPost(post);
    expect(merged(read.common, read.own[7]).pieces.map((piece) => piece.card)).toEqual([card, undefined]);
    expect(ownOf(whole, common)).toEqual({ cards: [undefined, undefined] });
  });

  test("a link is looked at unless its card stands, or somebody wants none", () => {
    expect(linkWanted([], undefined)).toBeNull();
    expect(linkWanted(["https://b.example/"], undefined)).toBe("https://b.example/");
    expect(linkWanted(["https://b.example/"], card)).toBe("https://b.example/");
    expect(linkWanted(["https://b.example/", card.url], card)).toBeNull();
    expect(linkWanted(["https://b.example/"], { ...card, shown: false })).toBeNull();
  });
});
