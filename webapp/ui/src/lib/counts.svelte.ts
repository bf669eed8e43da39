/** Badges of the rail. The server counts (it knows the rights); this only keeps what it said. */
import { api } from "./api/client";
import type { NeedsYou, Page, SavedView } from "./api/types";
import { live } from "./live.svelte";

/** The number on the icon, where Guichet is installed as an application (W3C Badging API). */
function badge(n: number): void {
  const set = navigator.setAppBadge?.bind(navigator);
  void set?.(n).catch(() => undefined); // a browser that has it may still refuse it
}

class Counts {
  mine = $state(0);
  needsYou = $state(0);
  /** The views of the inbox, the built-in ones first. */
  views: SavedView[] = $state([]);

  async read(): Promise<void> {
    // What could not be read stands as it was last known, and holds back nothing else; the live
    // dot says when the server is away.
    const [views, needs] = await Promise.allSettled([api.get<Page<SavedView>>("/views"), api.get<NeedsYou>("/needs-you")]);
    if (views.status === "fulfilled") {
      this.views = views.value.items;
      this.mine = this.views.find((view) => view.id === "mine")?.count ?? 0;
      badge(this.mine);
    }
    if (needs.status === "fulfilled") this.needsYou = needs.value.total;
  }

  /** Reads now and after changes, at most every two seconds. */
  follow(): () => void {
    void this.read();
    return live.onSoon(["conversation", "notice", "counts", "delivery", "post", "account", "resync"], () => void this.read(), 2000);
  }
}

export const counts = new Counts();
