/** What the pages behind links say of themselves, as far as somebody looked while writing. */
import { SvelteMap } from "svelte/reactivity";
import { previewLink } from "$lib/api/cards";
import type { LinkPreview } from "$lib/api/types";
import type { LinkCard } from "./pieces";

/** One look: under way, done, or what came between. */
export interface Look {
  busy: boolean;
  found: LinkPreview | null;
  error: unknown;
}

class Looks {
  #by = new SvelteMap<string, Look>();

  of(url: string): Look | undefined {
    return this.#by.get(url);
  }

  /** Looks, once; `anew`: again. Null where nothing can be had. */
  async at(url: string, anew = false): Promise<LinkPreview | null> {
    const there = this.#by.get(url);
    if (there && !anew) return there.found;
    this.#by.set(url, { busy: true, found: null, error: null });
    try {
      const found = await previewLink(url, anew);
      this.#by.set(url, { busy: false, found, error: null });
      return found;
    } catch (error) {
      this.#by.set(url, { busy: false, found: null, error });
      return null;
    }
  }
}
export const looks = new Looks();

/** The card that a page asks for; without a title, its address says more than nothing. */
export function cardFrom(url: string, page: LinkPreview | null): LinkCard {
  return { shown: true, url, title: page?.title || hostIn(url), description: page?.description ?? "", picture: page?.picture ?? null };
}

export function hostIn(url: string): string {
  try {
    return new URL(url).host.replace(/^www\./, "");
  } catch {
    return url;
  }
}

/** What is to be looked up for a piece: its first link, unless it was decided about or is the same. */
export function linkWanted(links: string[], card: LinkCard | undefined): string | null {
  const [first] = links;
  if (!first || (card && !card.shown) || (card && links.includes(card.url))) return null;
  return first;
}
