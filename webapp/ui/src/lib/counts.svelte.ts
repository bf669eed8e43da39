/** Badges of the rail. The server counts (it knows the rights); this only keeps what it said. */
import { api } from "./api/client";
import type { Page, SavedView } from "./api/types";
import { live } from "./live.svelte";

class Counts {
  mine = $state(0);
  needsYou = $state(0);
  /** Counts by saved view of the inbox: "mine", "unassigned", "all", "late". */
  views: Record<string, number> = $state({});
  #timer: ReturnType<typeof setTimeout> | undefined;

  async read(): Promise<void> {
    try {
      const page = await api.get<Page<SavedView>>("/views");
      this.views = Object.fromEntries(page.items.map((view) => [view.id, view.count]));
      this.mine = this.views["mine"] ?? 0;
      this.needsYou = this.views["needs_you"] ?? 0;
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
    const stops = (["conversation", "counts", "delivery", "resync"] as const).map((type) => live.on(type, soon));
    return () => stops.forEach((stop) => stop());
  }
}

export const counts = new Counts();
