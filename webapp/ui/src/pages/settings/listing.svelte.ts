/** One list of the settings: read whole, read again after each change. */
export class Listing<T> {
  items: T[] | null = $state(null);
  error: unknown = $state(null);
  #ask: () => Promise<T[]>;

  constructor(ask: () => Promise<T[]>) {
    this.#ask = ask;
    void this.read();
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
