/** Names as one says them in a row, in the reader's language. */
import { preferences } from "$lib/preferences.svelte";

export const listing = (names: string[]): string => new Intl.ListFormat(preferences.language, { type: "conjunction" }).format(names);
