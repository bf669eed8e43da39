/** The open conversation: its head, its lines, and who else is there. */
import { bePresent, getConversation, listEntries } from "$lib/api/conversations";
import type { Conversation, ConversationRow, Entry, Id } from "$lib/api/types";
import { live } from "$lib/live.svelte";

class Talk {
  id: Id | null = $state(null);
  conversation: Conversation | null = $state(null);
  /** Oldest first. */
  entries: Entry[] = $state([]);
  earlier: string | null = $state(null);
  loading = $state(false);
  loadingEarlier = $state(false);
  error: unknown = $state(null);
  #asking: AbortController | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;

  async open(id: Id): Promise<void> {
    this.id = id;
    this.conversation = null;
    this.entries = [];
    this.earlier = null;
    this.error = null;
    this.loading = true;
    await this.read();
  }

  shut(): void {
    this.#asking?.abort();
    this.id = null;
    this.conversation = null;
    this.entries = [];
  }

  /** Reads head and newest lines; earlier lines already shown are kept. */
  async read(): Promise<void> {
    const id = this.id;
    if (id === null) return;
    this.#asking?.abort();
    const mine = (this.#asking = new AbortController());
    try {
      const [conversation, page] = await Promise.all([getConversation(id, mine.signal), listEntries(id, null, mine.signal)]);
      if (this.id !== id) return;
      const fresh = page.items;
      const keys = new Set(fresh.map((entry) => entry.key));
      const oldest = fresh[0];
      const kept = oldest && this.entries.length ? this.entries.filter((entry) => !keys.has(entry.key) && entry.at < oldest.at) : [];
      if (!kept.length) this.earlier = page.next_cursor;
      this.entries = [...kept, ...fresh];
      this.conversation = conversation;
      this.error = null;
      live.heard();
    } catch (error) {
      if (mine.signal.aborted) return;
      this.error = error;
    }
    this.loading = false;
  }

  async readEarlier(): Promise<void> {
    const id = this.id;
    if (id === null || !this.earlier || this.loadingEarlier) return;
    this.loadingEarlier = true;
    try {
      const page = await listEntries(id, this.earlier);
      if (this.id === id) {
        const known = new Set(this.entries.map((entry) => entry.key));
        this.entries = [...page.items.filter((entry) => !known.has(entry.key)), ...this.entries];
        this.earlier = page.next_cursor;
      }
    } catch (error) {
      this.error = error;
    }
    this.loadingEarlier = false;
  }

  /** A row changed by an act of ours: its head follows without another reading. */
  merge(row: ConversationRow): void {
    if (this.conversation?.id === row.id) Object.assign(this.conversation, row);
  }

  add(entry: Entry): void {
    if (!this.entries.some((one) => one.key === entry.key)) this.entries.push(entry);
  }

  /** Id of the newest message on the screen: what its reader has seen. */
  get seenThrough(): Id | null {
    return this.entries.findLast((entry) => entry.kind === "message")?.id ?? null;
  }

  async bePresent(writing: boolean): Promise<void> {
    const id = this.id;
    if (id === null || document.visibilityState !== "visible") return;
    try {
      const { others } = await bePresent(id, writing);
      if (this.conversation && this.id === id) this.conversation.others = others;
    } catch {
      // Presence is a courtesy; the next beat tries again.
    }
  }

  follow(): () => void {
    const soon = (data: Record<string, unknown>): void => {
      const about = data["conversation_id"] ?? data["id"];
      if (this.id === null || (about !== undefined && about !== this.id)) return;
      this.#soon ??= setTimeout(() => {
        this.#soon = undefined;
        void this.read();
      }, 250);
    };
    const about = (data: Record<string, unknown>): void => void (data["conversation_id"] && soon({ conversation_id: data["conversation_id"] }));
    const stops = [live.on("conversation", soon), live.on("message", about), live.on("delivery", about), live.on("presence", about), live.on("resync", () => soon({}))];
    return () => stops.forEach((stop) => stop());
  }
}

export const talk = new Talk();
