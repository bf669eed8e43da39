/** The way from the list to one answer to many. */
import { beginBulk } from "$lib/api/bulk";
import { explain } from "$lib/explain";
import { go } from "$lib/router.svelte";
import { tell } from "$lib/toasts.svelte";

class Bulking {
  busy = $state(false);

  /** Begins a draft for these conversations, or for all that the list shows, and opens it. */
  async begin(to: Parameters<typeof beginBulk>[0]): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      const made = await beginBulk(to);
      go(`/bulk-replies/${made.id}`);
    } catch (error) {
      tell(explain(error), { tone: "late" });
    } finally {
      this.busy = false;
    }
  }
}

export const bulking = new Bulking();
