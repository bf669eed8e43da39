/** The list of the inbox: what is asked for, what came, what is selected, and where one stands. */
import { listConversations } from "$lib/api/conversations";
import { ApiError, type Query } from "$lib/api/client";
import type { ConversationRow, Id, SavedView } from "$lib/api/types";
import { counts } from "$lib/counts.svelte";
import { live } from "$lib/live.svelte";
import { route } from "$lib/router.svelte";
import { toggled } from "$lib/selecting";

const PAGE = 50;
/** Names in the page's address that narrow the list, as the API calls them. */
const FILTERS = ["view", "account_id", "brand_id", "network", "team_id", "label_id", "assignee", "priority", "language", "q", "sort", "state", "waiting", "late", "followed", "mentioned", "approval", "held", "pooled"] as const;
/** Filters of which a kept view may hold several. */
const LISTS = new Set(["account_id", "state"]);

/** A view may have an order of its own. */
function usualSort(view: string | undefined): string {
  return String(counts.views.find((one) => one.id === view)?.filters["sort"] ?? "oldest_waiting");
}

export class Box {
  rows: ConversationRow[] = $state([]);
  cursor: string | null = $state(null);
  loading = $state(true);
  loadingMore = $state(false);
  error: unknown = $state(null);
  /** The row that the keyboard stands on. */
  standing: Id | null = $state(null);
  selected: Set<Id> = $state(new Set());
  /** Why the last act on a conversation was refused, shown in its place. */
  blamed: Record<Id, string> = $state({});
  /** Where one stood when last seen in the list: what one stood on may leave it. */
  #stood = 0;
  /** What was done with since the list was last read: it may still stand in it. */
  #done = new Set<Id>();
  #asking: AbortController | undefined;

  get filtered(): boolean {
    return FILTERS.some((name) => name !== "view" && name !== "sort" && route.query.has(name));
  }

  /** What the server could not understand of the search; the word is named. */
  get misunderstood(): string | null {
    if (!(this.error instanceof ApiError)) return null;
    return this.error.problem.errors?.find((one) => one.field === "q")?.message ?? null;
  }

  get query(): Query {
    const asked: Record<string, string> = {};
    for (const name of FILTERS) {
      const value = route.query.get(name);
      if (value) asked[name] = value;
    }
    if (!asked["view"] && !this.filtered) asked["view"] = "mine";
    asked["sort"] ??= usualSort(asked["view"]);
    return asked;
  }

  /** The order of the list where the address names none. */
  get usualSort(): string {
    return usualSort(String(this.query["view"] ?? ""));
  }

  /** The list itself, as a body may name it. */
  get filtersOfList(): Record<string, unknown> {
    return Object.fromEntries(Object.entries(this.query).map(([name, value]) => [name, LISTS.has(name) ? [value] : value]));
  }

  /** What a kept view must hold to show this list: what its view narrows, and what the address narrows further. */
  filtersToKeep(views: SavedView[]): Record<string, unknown> {
    const base = views.find((view) => view.id === this.query["view"])?.filters ?? {};
    const given = Object.entries(this.query).filter(([name, value]) => name !== "view" && (name !== "sort" || value !== "oldest_waiting"));
    return { ...base, ...Object.fromEntries(given.map(([name, value]) => [name, LISTS.has(name) ? [value] : value])) };
  }

  /** Reads the list anew. `quiet` keeps what stands there until the answer has come. */
  async read({ quiet = false } = {}): Promise<void> {
    this.#asking?.abort();
    const mine = (this.#asking = new AbortController());
    const done = [...this.#done];
    if (!quiet) {
      this.loading = true;
      this.rows = [];
      this.selected = new Set();
    }
    try {
      const limit = quiet ? Math.min(200, Math.max(PAGE, this.rows.length)) : PAGE;
      const page = await listConversations({ ...this.query, limit }, mine.signal);
      const stood = this.rows.findIndex((row) => row.id === this.standing);
      if (stood >= 0) this.#stood = stood;
      this.rows = page.items;
      done.forEach((id) => this.#done.delete(id));
      this.cursor = page.next_cursor;
      this.error = null;
      live.heard();
    } catch (error) {
      if (mine.signal.aborted) return;
      this.error = error;
    }
    this.loading = false;
  }

  async more(): Promise<void> {
    if (!this.cursor || this.loadingMore) return;
    this.loadingMore = true;
    try {
      const page = await listConversations({ ...this.query, cursor: this.cursor, limit: PAGE });
      const known = new Set(this.rows.map((row) => row.id));
      this.rows.push(...page.items.filter((row) => !known.has(row.id)));
      this.cursor = page.next_cursor;
    } catch (error) {
      this.error = error;
    }
    this.loadingMore = false;
  }

  /** Puts one changed row in its place, if it is in the list. */
  put(row: ConversationRow): void {
    const place = this.rows.findIndex((one) => one.id === row.id);
    if (place >= 0) this.rows[place] = row;
  }

  blame(id: Id, why: string): void {
    this.blamed[id] = why;
  }

  forgive(id: Id): void {
    delete this.blamed[id];
  }

  find(id: Id | null): ConversationRow | undefined {
    return this.rows.find((one) => one.id === id);
  }

  /** The row `step` away from `id`; where that has left the list, what stands in its place now. */
  beside(id: Id | null, step: 1 | -1): ConversationRow | undefined {
    const place = this.rows.findIndex((one) => one.id === id);
    return place < 0 ? this.rows[Math.min(id === null ? 0 : this.#stood, this.rows.length - 1)] : this.rows[place + step];
  }

  /** What comes after one that is done with: the nearest row below it, else above, that is not done with too. */
  after(id: Id): ConversationRow | undefined {
    this.#done.add(id);
    const place = this.rows.findIndex((one) => one.id === id);
    const from = place < 0 ? this.#stood : place;
    const ways = [...this.rows.slice(from), ...this.rows.slice(0, from).reverse()];
    return ways.find((one) => !this.#done.has(one.id));
  }

  toggle(id: Id): void {
    this.selected = toggled(this.selected, id);
  }

  /** Follows live changes; many in a burst make one reading. */
  follow(): () => void {
    const read = (): void => void this.read({ quiet: true });
    const stops = [live.onSoon(["conversation", "message"], read, 400), live.onSoon(["rights", "resync"], read, 0)];
    return () => stops.forEach((stop) => stop());
  }
}

export const box = new Box();
