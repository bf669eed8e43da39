/**
 * The words on the pages. A catalogue is a plain object per page, its values texts or functions
 * of what varies; French has the type of English, so a missing word does not compile.
 * `t.inbox.send` is reactive: choosing another language re-renders what reads it.
 */
import type { Catalogue } from "./catalogue";
import { en } from "./en";
import { preferences, type Language } from "../preferences.svelte";

let current: Catalogue = $state.raw(en);

export const t: Catalogue = new Proxy({} as Catalogue, {
  get: (_, page: string) => current[page as keyof Catalogue],
});

/** Loads and shows a language. English is in the first load; others come when asked for. */
export async function speak(language: Language): Promise<void> {
  current = language === "fr" ? (await import("./fr")).fr : en;
  preferences.language = language;
}
