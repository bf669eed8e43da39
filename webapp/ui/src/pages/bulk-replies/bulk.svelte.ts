/** One answer to many, as it stands at the server, and what is being written of it here. */
import * as calls from "$lib/api/bulk";
import type { BulkReply, BulkRow, Id } from "$lib/api/types";
import { explain } from "$lib/explain";
import { live } from "$lib/live.svelte";
import { preferences } from "$lib/preferences.svelte";
import { format } from "$lib/times";
import { tell } from "$lib/toasts.svelte";

/** Every row is looked at anew: of several hundred that takes a second or two. */
const PAUSE = 1500;

/** States in which a row is still on its way. */
const ON_ITS_WAY = ["queued", "waiting", "sending", "to_approve"] as const;
export const isMoving = (one: BulkReply): boolean => one.state === "running" && ON_ITS_WAY.some((state) => (one.rows[state] ?? 0) > 0);

/** How many were let go. */
export const letGo = (one: BulkReply): number => one.total - (one.rows["kept_back"] ?? 0) - (one.rows["out"] ?? 0);

/** The clock at which something goes; a relative time would say of the next minute that it is now. */
export const clockOf = (at: string): string => format(preferences.language, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(Date.parse(at));

/** Roughly how many minutes the answers take: on the account that has most of them. */
export function minutesOf(rows: BulkRow[], pace: number): number {
  const each = new Map<Id, number>();
  for (const row of rows) if (row.state === "ready") each.set(row.conversation.account.id, (each.get(row.conversation.account.id) ?? 0) + 1);
  return Math.round(Math.max(0, ...[...each.values()].map((n) => n - 1)) / pace);
}

export class Bulk {
  one: BulkReply | null = $state(null);
  rows: BulkRow[] = $state([]);
  error: unknown = $state(null);
  busy = $state(false);
  /** The wordings as they stand in the boxes. */
  variants: string[] = $state([]);
  pace = $state(10);
  close = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #id: Id | null = null;
  #saving: Promise<boolean> = Promise.resolve(true);

  async open(id: Id): Promise<void> {
    this.#id = id;
    this.one = null;
    this.rows = [];
    this.error = null;
    await this.read(true);
  }

  shut(): void {
    clearTimeout(this.#timer);
    this.#id = null;
  }

  /** `whole`: what stands in the boxes too. */
  async read(whole = false): Promise<void> {
    const id = this.#id;
    if (id === null) return;
    try {
      const [one, rows] = await Promise.all([calls.getBulk(id), calls.listBulkRows(id)]);
      if (id !== this.#id) return;
      this.#take(one, whole);
      this.rows = rows;
      this.error = null;
      live.heard();
    } catch (error) {
      if (id === this.#id) this.error = error;
    }
  }

  #take(one: BulkReply, whole: boolean): void {
    this.one = one;
    if (whole) [this.variants, this.pace, this.close] = [[...one.variants], one.pace, one.close];
  }

  get isSaved(): boolean {
    const { one } = this;
    return one !== null && this.pace === one.pace && this.close === one.close && this.variants.length === one.variants.length && this.variants.every((text, n) => text.trim() === one.variants[n]);
  }

  /** Something was typed: it is kept, and every row looked at, when the typing pauses. */
  typed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.save(), PAUSE);
  }

  save(): Promise<boolean> {
    clearTimeout(this.#timer);
    // One after the other: the answers must not overtake each other.
    this.#saving = this.#saving.then(() => (this.isSaved ? true : this.#do((id) => calls.changeBulk(id, { variants: this.variants, pace: this.pace, close: this.close }))));
    return this.#saving;
  }

  async changeRow(row: BulkRow, text: string | null, out: boolean): Promise<boolean> {
    const id = this.#id;
    if (id === null) return false;
    try {
      const now = await calls.changeBulkRow(id, row.id, { text, out });
      this.rows = this.rows.map((one) => (one.id === now.id ? now : one));
      this.one = await calls.getBulk(id);
      return true;
    } catch (error) {
      tell(explain(error), { tone: "late" });
      return false;
    }
  }

  look = (): Promise<boolean> => this.#do((id) => calls.lookAgain(id));
  send = (undo: number): Promise<boolean> => this.#do((id) => calls.sendBulk(id, this.one?.version ?? 1, undo));
  stop = (): Promise<boolean> => this.#do((id) => calls.stopBulk(id));

  async #do(act: (id: Id) => Promise<BulkReply>): Promise<boolean> {
    const id = this.#id;
    if (id === null) return false;
    this.busy = true;
    try {
      const one = await act(id);
      if (id !== this.#id) return false;
      this.#take(one, false);
      this.rows = await calls.listBulkRows(id);
      return true;
    } catch (error) {
      tell(explain(error), { tone: "late" });
      return false;
    } finally {
      this.busy = false;
    }
  }
}

export const bulk = new Bulk();
