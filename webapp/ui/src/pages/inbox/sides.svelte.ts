/** What is said beside the open conversation, with somebody outside. */
import { listSides } from "$lib/api/conversations";
import type { AccountBrief, Id, SideConversation } from "$lib/api/types";
import { live } from "$lib/live.svelte";
import { soon } from "$lib/soon";

class Sides {
  id: Id | null = $state(null);
  items: SideConversation[] = $state([]);
  mailboxes: AccountBrief[] = $state([]);
  error: unknown = $state(null);
  /** The side conversation that stands open. */
  shown: Id | null = $state(null);
  #asking: AbortController | undefined;

  /** Reads those beside a conversation; another one's are taken away at once. */
  async read(id: Id): Promise<void> {
    this.#asking?.abort();
    const mine = (this.#asking = new AbortController());
    if (this.id !== id) [this.id, this.items, this.mailboxes, this.shown] = [id, [], [], null];
    try {
      const page = await listSides(id, mine.signal);
      [this.items, this.mailboxes, this.error] = [page.items, page.mailboxes, null];
    } catch (error) {
      if (!mine.signal.aborted) this.error = error;
    }
  }

  put(side: SideConversation): void {
    this.items = [side, ...this.items.filter((one) => one.id !== side.id)];
    this.shown = side.id;
  }

  follow(): () => void {
    const again = soon(() => void (this.id !== null && this.read(this.id)), 250);
    const hear = (data: Record<string, unknown>): void => void (data["conversation_id"] === this.id && again());
    const hearOne = (data: Record<string, unknown>): void => void (data["id"] === this.id && data["what"] === "merged" && again());
    const stops = [live.on("side", hear), live.on("delivery", hear), live.on("conversation", hearOne), live.on("resync", again), again.stop];
    return () => stops.forEach((stop) => stop());
  }
}

export const sides = new Sides();

/** Until when one waits for them at most: moments to choose from. */
export function reminders(now: Date): { id: "hours" | "tomorrow" | "days"; at: Date }[] {
  const day = (by: number): Date => new Date(now.getFullYear(), now.getMonth(), now.getDate() + by, 9);
  return [
    { id: "hours", at: new Date(now.getTime() + 4 * 3_600_000) },
    { id: "tomorrow", at: day(1) },
    { id: "days", at: day(3) },
  ];
}

/** Names and addresses as people write them: "Desk <desk@x.example>, other@x.example". */
export function addressed(typed: string): { name: string; address: string }[] {
  return typed
    .split(/[,;\n]/)
    .map((one) => one.trim())
    .filter(Boolean)
    .map((one) => {
      const found = /^"?([^"<]*)"?\s*<([^<>]*)>$/.exec(one);
      return found ? { name: (found[1] ?? "").trim(), address: (found[2] ?? "").trim() } : { name: "", address: one };
    });
}
