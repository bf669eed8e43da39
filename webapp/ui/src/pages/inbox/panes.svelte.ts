/** Which parts of the inbox are shown, and which of its menus a key has opened. */
export type MenuName = "assign" | "label" | "snooze" | "close" | "macro" | null;

class Panes {
  width = $state(typeof innerWidth === "number" ? innerWidth : 1440);
  #customer: boolean | null = $state(null);
  menu: MenuName = $state(null);
  bulkMenu: MenuName = $state(null);
  /** What the open conversation is being joined with another by. */
  joining: "merge" | "link" | null = $state(null);
  /** What somebody who is not the customer is asked for by. */
  asking: "outside" | "wait" | null = $state(null);
  /** Counts up each time the keyboard asks for the box; the box watches it. */
  wanted: { kind: "reply" | "note"; times: number } = $state({ kind: "reply", times: 0 });

  /** Folded below 1,200 px until somebody asks for it. */
  get customerShown(): boolean {
    return this.#customer ?? this.width >= 1200;
  }

  toggleCustomer(): void {
    this.#customer = !this.customerShown;
  }

  write(kind: "reply" | "note"): void {
    this.wanted = { kind, times: this.wanted.times + 1 };
  }
}

export const panes = new Panes();
