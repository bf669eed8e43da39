/** Badges of the rail. The server counts (it knows the rights); this only keeps what it said. */
import { api } from "./api/client";
import type { NeedsYou, Page, SavedView } from "./api/types";
import { live } from "./live.svelte";

class Counts {
  mine = $state(0);
  needsYou = $state(0);
  /** The views of the inbox, the built-in ones first. */
  views: SavedView[] = $state([]);
  #timer: ReturnType<typeof setTimeout> | undefined;

  async read(): Promise<void> {
    try {
      const [views, needs] = await Promise.all([api.get<Page<SavedView>>("/views"), api.get<NeedsYou>("/needs-you")]);
      this.views = views.items;
      this.mine = views.items.find((view) => view.id === "mine")?.count ?? 0;
      this.needsYou = needs.total;
    } catch {
      // The last known counts stand; the live dot says when the server is away.
    }
  }

  /** Reads now and after changes, at most every two seconds. */
  follow(): () => void {
    void this.read();
    const soon = (): void => {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        void this.read();
      }, 2000);
    };
    const stops = (["conversation", "counts", "delivery", "post", "account", "resync"] as const).map((type) => live.on(type, soon));
    return () => stops.forEach((stop) => stop());
  }
}

export const counts = new Counts();
