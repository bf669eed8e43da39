/** What this person is told of conversations: read when the sheet opens, counted always. */
import { countNotices, listNotices, seeNotices } from "./api/notices";
import type { Id, Notice } from "./api/types";
import { live } from "./live.svelte";

class Notices {
  items: Notice[] = $state([]);
  cursor: string | null = $state(null);
  unseen = $state(0);
  more = $state(false);
  loading = $state(true);
  error: unknown = $state(null);

  async count(): Promise<void> {
    try {
      const { count, more } = await countNotices();
      [this.unseen, this.more] = [count, more];
    } catch {
      // It stands as it was last known; the live dot says when the server is away.
    }
  }

  /** The newest; `onwards` adds those that follow. */
  async read({ onwards = false } = {}): Promise<void> {
    try {
      const page = await listNotices(onwards ? this.cursor : null);
      const known = new Set(page.items.map((one) => one.id));
      this.items = onwards ? [...this.items.filter((one) => !known.has(one.id)), ...page.items] : page.items;
      this.cursor = page.next_cursor;
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.loading = false;
  }

  /** `ids` null: all of them. */
  async see(ids: Id[] | null): Promise<void> {
    try {
      await seeNotices(ids);
      for (const one of this.items) if (!ids || ids.includes(one.id)) one.seen = true;
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    await this.count();
  }

  /** Counts now and after changes. `open` tells whether the list is on the screen. */
  follow(open: () => boolean): () => void {
    void this.count();
    const again = (): void => {
      void this.count();
      if (open()) void this.read();
    };
    return live.onSoon(["notice", "rights", "resync"], again, 300);
  }
}

export const notices = new Notices();
