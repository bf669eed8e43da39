import { explain } from "$lib/explain";
import { tell } from "$lib/toasts.svelte";

/** One list of the settings: read whole, read again after each change. */
export class Listing<T> {
  items: T[] | null = $state(null);
  error: unknown = $state(null);
  #ask: () => Promise<T[]>;

  constructor(ask: () => Promise<T[]>) {
    this.#ask = ask;
    void this.read();
  }

  /** Puts one elsewhere in the order, at once; the server is told, and where it refuses the list is read anew. */
  async move(from: number, to: number, send: (items: T[]) => Promise<unknown>): Promise<T | null> {
    if (!this.items || to < 0 || to >= this.items.length || from === to) return null;
    const order = [...this.items];
    const [moved] = order.splice(from, 1);
    if (moved === undefined) return null;
    order.splice(to, 0, moved);
    this.items = order;
    try {
      await send(order);
    } catch (error) {
      tell(explain(error), { tone: "late" });
      await this.read();
    }
    return moved;
  }

  read = async (): Promise<void> => {
    try {
      this.items = await this.#ask();
      this.error = null;
    } catch (failure) {
      this.error = failure;
    }
  };
}

/** "a, b ,, c" → ["a", "b", "c"]. */
export function split(text: string): string[] {
  return [...new Set(text.split(/[,\n;]/).map((one) => one.trim()).filter(Boolean))];
}
