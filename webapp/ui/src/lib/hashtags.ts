/** Putting a set of hashtags into a text. */
import type { HashtagSet } from "./api/types";

/** Tags that stand in a text already, levelled. */
function tagsIn(text: string): Set<string> {
  return new Set([...text.matchAll(/[#＃]([\p{L}\p{M}\p{N}_][^\s#＃.,;:!?]*)/gu)].map((found) => (found[1] ?? "").toLowerCase()));
}

/** What is still to be written of a set, with each #. */
export function missingFrom(text: string, set: Pick<HashtagSet, "tags">): string {
  const there = tagsIn(text);
  return set.tags.filter((tag) => !there.has(tag.toLowerCase())).map((tag) => `#${tag}`).join(" ");
}

/** The text with the tags behind it, a space or a line between. */
export function withTags(text: string, set: Pick<HashtagSet, "tags">): string {
  const more = missingFrom(text, set);
  return !more ? text : `${text}${!text || /\s$/.test(text) ? "" : text.includes("\n") ? "\n" : " "}${more}`;
}

/** Sets whose name, or one of whose tags, begins with what was typed. */
export function findSets(sets: HashtagSet[], typed: string, fold: (text: string) => string): HashtagSet[] {
  const sought = fold(typed);
  return sets.filter((set) => [set.name, ...set.tags].some((one) => fold(one).startsWith(sought)));
}
