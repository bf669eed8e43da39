/** The open conversation: its head, its lines, and who else is there. */
import { bePresent, getConversation, listEntries, markSeen } from "$lib/api/conversations";
import type { Conversation, ConversationRow, Entry, Id } from "$lib/api/types";
import { live } from "$lib/live.svelte";
import { soon } from "$lib/soon";
import { box } from "./box.svelte";

class Talk {
  id: Id | null = $state(null);
  conversation: Conversation | null = $state(null);
  /** Oldest first. */
  entries: Entry[] = $state([]);
  earlier: string | null = $state(null);
  loading = $state(false);
  loadingEarlier = $state(false);
  error: unknown = $state(null);
  /** What was last said to be read. */
  #marked = "";
  /** Lines whose personal data this person asked to see, as they stand then. */
  #shown = new Map<string, Entry>();
  #asking: AbortController | undefined;

  async open(id: Id): Promise<void> {
    this.id = id;
    this.conversation = null;
    this.entries = [];
    this.#shown.clear();
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
    this.#shown.clear();
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
      const fresh = page.items.map((entry) => this.#asShown(entry));
      const keys = new Set(fresh.map((entry) => entry.key));
      const oldest = fresh[0];
      const kept = oldest && this.entries.length ? this.entries.filter((entry) => !keys.has(entry.key) && entry.at < oldest.at) : [];
      if (!kept.length) this.earlier = page.next_cursor;
      this.entries = [...kept, ...fresh];
      this.conversation = conversation;
      this.error = null;
      live.heard();
      void this.markSeen();
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

  /** Puts what one line has become in its place. */
  put(entry: Entry): void {
    this.entries = this.entries.map((one) => (one.key === entry.key ? entry : one));
  }

  uncover(entry: Entry): void {
    this.#shown.set(entry.key, entry);
    this.put(entry);
  }

  async coverAgain(key: string): Promise<void> {
    this.#shown.delete(key);
    await this.read();
  }

  /** What was uncovered stays so while nothing about it changes. */
  #asShown(entry: Entry): Entry {
    const shown = this.#shown.get(entry.key);
    return shown && entry.covered && shown.edited_at === entry.edited_at ? shown : entry;
  }

  remove(key: string): void {
    this.entries = this.entries.filter((one) => one.key !== key);
  }

  /** Id of the newest message on the screen: what its reader has seen. */
  get seenThrough(): Id | null {
    return this.entries.findLast((entry) => entry.kind === "message")?.id ?? null;
  }

  /** What stands on a visible screen is read, notes included. */
  async markSeen(): Promise<void> {
    const { id, conversation } = this;
    const here = this.entries.filter((entry) => entry.kind !== "event").map((entry) => entry.id);
    const newest = Math.max(...here, conversation?.last_beside_id ?? -Infinity);
    if (id === null || !conversation || document.visibilityState !== "visible" || !Number.isFinite(newest)) return;
    if (!conversation.unread && this.#marked === `${id}:${newest}`) return;
    this.#marked = `${id}:${newest}`;
    try {
      await markSeen(id, newest);
      conversation.unread = false;
      const row = box.find(id);
      if (row) box.put({ ...row, unread: false });
    } catch {
      this.#marked = "";
    }
  }

  /** Tells the others that this person has left. */
  leave(id: Id): void {
    bePresent(id, { writing: false, here: false }).catch(() => undefined);
  }

  async bePresent(writing: boolean): Promise<void> {
    const id = this.id;
    if (id === null || document.visibilityState !== "visible") return;
    try {
      const { others } = await bePresent(id, { writing, here: true });
      if (this.conversation && this.id === id) this.conversation.others = others;
    } catch {
      // Presence is a courtesy; the next beat tries again.
    }
  }

  /** Follows live changes. `writing` tells whether this person writes, for the others to see. */
  follow(writing: () => boolean): () => void {
    const again = soon(() => void this.read(), 250);
    const hear = (data: Record<string, unknown>): void => void (data["conversation_id"] === this.id && again());
    // Without an id it is about several, and may be about this one.
    const hearMany = (data: Record<string, unknown>): void => void ([this.id, undefined].includes((data["conversation_id"] ?? data["id"]) as Id | undefined) && again());
    const stops = [live.on("conversation", hearMany), live.on("message", hear), live.on("delivery", hear), live.on("resync", again), again.stop];
    stops.push(live.on("presence", (data) => data["conversation_id"] === this.id && void this.bePresent(writing())));
    const wake = (): void => void (document.visibilityState === "visible" && this.markSeen());
    document.addEventListener("visibilitychange", wake);
    return () => {
      stops.forEach((stop) => stop());
      document.removeEventListener("visibilitychange", wake);
    };
  }
}

export const talk = new Talk();
