/**
 * The emoji that can be inserted, from emoji-picker-element's data and database, both of our own
 * origin. Its ready-made picker writes style elements and attributes, which the content security
 * policy forbids; the database under it does not, and what it finds is drawn by our own parts.
 */
import english from "emoji-picker-element-data/en/cldr/data.json?url";
import french from "emoji-picker-element-data/fr/cldr/data.json?url";
import Database from "emoji-picker-element/database";
import type { NativeEmoji } from "emoji-picker-element/shared";
import type { Language } from "$lib/preferences.svelte";

export interface Found {
  unicode: string;
  name: string;
}
export interface Group {
  id: number;
  emoji: Found[];
}

/** Numbers of the data's groups; 2 holds only parts of others. */
const GROUPS = [0, 1, 3, 4, 5, 6, 7, 8, 9];
export const OFTEN = -1;
const SOURCES: Record<Language, string> = { en: english, fr: french };
const opened = new Map<Language, Database>();

function open(language: Language): Database {
  const made = opened.get(language) ?? new Database({ dataSource: SOURCES[language], locale: language });
  opened.set(language, made);
  return made;
}

const plain = (found: unknown): Found => {
  const { unicode, annotation } = found as NativeEmoji;
  return { unicode, name: annotation };
};

/** Everything, group by group, what this browser used often first. Rejects where the data cannot be read. */
export async function allEmoji(language: Language): Promise<Group[]> {
  const base = open(language);
  try {
    await base.ready();
  } catch (error) {
    opened.delete(language);
    throw error;
  }
  const often = (await base.getTopFavoriteEmoji(18)).map(plain);
  const groups = await Promise.all(GROUPS.map(async (id) => ({ id, emoji: (await base.getEmojiByGroup(id)).map(plain) })));
  return often.length ? [{ id: OFTEN, emoji: often }, ...groups] : groups;
}

export async function findEmoji(language: Language, words: string): Promise<Found[]> {
  return (await open(language).getEmojiBySearchQuery(words)).map(plain);
}

export function used(language: Language, unicode: string): void {
  open(language).incrementFavoriteEmojiCount(unicode).catch(() => undefined);
}
