/** Small facts about words, shared by searches and labels. */

/** Lower case without accents, so that "eleve" finds "Élève". */
export function fold(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** At most two initials of a name, by graphemes, so that an emoji is not cut in half. */
export function initialsOf(name: string): string {
  const first = (word: string): string =>
    [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(word)][0]?.segment ?? "";
  const words = name.trim().split(/[\s._-]+/u).filter(Boolean);
  const picked = words.length > 1 ? [words[0] ?? "", words.at(-1) ?? ""] : words;
  return picked.map(first).join("").toUpperCase();
}
