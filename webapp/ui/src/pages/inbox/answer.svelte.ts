/**
 * What is being written in the open conversation: a reply and a note side by side, kept on the
 * server while one writes, and never lost by a failure.
 */
import { ApiError } from "$lib/api/client";
import * as conversations from "$lib/api/conversations";
import type { Conversation, Entry, Id } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";
import { talk } from "./talk.svelte";

type Kind = "reply" | "note";

class Answer {
  kind: Kind = $state("reply");
  texts: Record<Kind, string> = $state({ reply: "", note: "" });
  saved: "no" | "saving" | "yes" | "failed" = $state("no");
  sending = $state(false);
  failure: unknown = $state(null);
  /** Why the network refused the answer that is back in the box. */
  refused: string | null = $state(null);
  /** Lines of ours that the network had not accepted when last looked at. */
  #pending = new Set<string>();
  #conversation: Id | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #key: { text: string; key: string } | null = null;

  get text(): string {
    return this.texts[this.kind];
  }

  /** Takes up the drafts of a conversation that was just opened. */
  begin(conversation: Conversation): void {
    this.flush();
    this.#conversation = conversation.id;
    const draft = (kind: Kind): string => conversation.drafts.find((one) => one.kind === kind)?.text ?? "";
    this.texts = { reply: draft("reply"), note: draft("note") };
    this.kind = this.texts.note && !this.texts.reply ? "note" : "reply";
    this.saved = conversation.drafts.length ? "yes" : "no";
    this.failure = null;
    this.refused = null;
    this.#pending.clear();
  }

  write(text: string): void {
    this.texts[this.kind] = text;
    this.saved = "saving";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#save(), 700);
  }

  /** Saves at once what waits to be saved. */
  flush(): void {
    if (this.#timer && this.saved === "saving") void this.#save();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #save(): Promise<void> {
    const id = this.#conversation;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (id === null || this.sending) return;
    try {
      await conversations.saveDraft(id, { kind: this.kind, text: this.text, seen_through: talk.seenThrough });
      if (this.#conversation === id) this.saved = this.text ? "yes" : "no";
    } catch {
      if (this.#conversation === id) this.saved = "failed";
    }
  }

  /** Sends what the box holds. True when the server took it over. */
  async send(close: boolean): Promise<boolean> {
    const id = this.#conversation;
    const { kind, text } = this;
    if (id === null || this.sending || !text.trim()) return false;
    clearTimeout(this.#timer);
    this.sending = true;
    this.failure = null;
    this.refused = null;
    // The same text after a doubt carries the same key, so that the server takes it once.
    const memory = `${id}:${kind}:${text}`;
    if (this.#key?.text !== memory) this.#key = { text: memory, key: crypto.randomUUID() };
    try {
      const entry =
        kind === "note"
          ? await conversations.note(id, text, this.#key.key)
          : await conversations.reply(id, { text, seen_through: talk.seenThrough, close }, this.#key.key);
      this.#key = null;
      if (this.#conversation === id) {
        this.texts[kind] = "";
        this.saved = "no";
        talk.add(entry);
        if (kind === "reply") this.#pending.add(entry.key);
      }
      return true;
    } catch (error) {
      this.failure = error;
      if (error instanceof ApiError && !error.passing) this.#key = null;
      if (error instanceof ApiError && error.status === 409) void talk.read();
      return false;
    } finally {
      this.sending = false;
    }
  }

  /** Brings a refused answer back into an empty box, with the reason. */
  watch(entries: Entry[]): void {
    for (const entry of entries) {
      if (!this.#pending.has(entry.key) || !entry.delivery) continue;
      const { state } = entry.delivery;
      if (state === "published" || state === "cancelled") this.#pending.delete(entry.key);
      if (state === "failed") {
        this.#pending.delete(entry.key);
        if (!this.texts.reply) this.takeBack(entry);
      }
    }
  }

  takeBack(entry: Entry): void {
    this.kind = "reply";
    this.texts.reply = entry.text;
    this.refused = entry.delivery?.reason ?? t.inbox.notSent;
    this.saved = "saving";
    void this.#save();
  }
}

export const answer = new Answer();
