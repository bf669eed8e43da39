/** A stretch of the media library as it is read: what is wanted of it, page by page. */
import { listFiles } from "./api/library";
import type { Query } from "./api/client";
import type { LibraryFile } from "./api/types";

export type Kind = "picture" | "film" | "sound" | "document";
export const KINDS: readonly Kind[] = ["picture", "film", "sound", "document"];

export class Shelf {
  files: LibraryFile[] | null = $state(null);
  next: string | null = $state(null);
  error: unknown = $state(null);
  busy = $state(false);
  #wanted: Query = {};
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Reads it anew, once the typing rests. */
  want(query: Query): void {
    this.#wanted = query;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.read(), this.files === null ? 0 : 200);
  }

  async read(more = false): Promise<void> {
    const mine = ++this.#asked;
    this.busy = true;
    try {
      const page = await listFiles({ ...this.#wanted, limit: 40, cursor: more ? this.next : null });
      if (mine !== this.#asked) return;
      this.files = more ? [...(this.files ?? []), ...page.items] : page.items;
      this.next = page.next_cursor;
      this.error = null;
    } catch (error) {
      if (mine === this.#asked) this.error = error;
    }
    if (mine === this.#asked) this.busy = false;
  }

  put(file: LibraryFile): void {
    this.files = (this.files ?? []).map((one) => (one.id === file.id ? file : one));
  }

  drop(id: number): void {
    this.files = (this.files ?? []).filter((one) => one.id !== id);
  }
}
