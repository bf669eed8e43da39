/**
 * What is being written in the open conversation: a reply and a note side by side, with their
 * files, kept on the server while one writes, and never lost by a failure.
 */
import { ApiError } from "$lib/api/client";
import * as conversations from "$lib/api/conversations";
import type { Conversation, Draft, Entry, Id } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";
import { session } from "$lib/session.svelte";
import { Enclosed } from "./enclosed.svelte";
import { talk } from "./talk.svelte";

type Kind = "reply" | "note";
/** Who paused for longer than this is not shown as writing any more (milliseconds). */
const PAUSE = 12_000;

class Answer {
  #kind: Kind = $state("reply");
  texts: Record<Kind, string> = $state({ reply: "", note: "" });
  files: Record<Kind, Enclosed[]> = $state({ reply: [], note: [] });
  saved: "no" | "saving" | "yes" | "failed" = $state("no");
  sending = $state(false);
  failure: unknown = $state(null);
  /** Why the network refused the answer that is back in the box. */
  refused: string | null = $state(null);
  /** The newest message when one began to write, then the newest that one says to have read. */
  #read: Id | null = $state(null);
  /** Lines of ours that the network had not accepted when last looked at. */
  #pending = new Set<string>();
  #conversation: Id | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The last save on its way, or done. */
  #keeping: Promise<void> = Promise.resolve();
  /** What was last to be saved of each draft: an older one that still waits its turn is dropped. */
  #newest = new Map<string, object>();
  #key: { what: string; key: string } | null = null;
  #typedAt = 0;

  get kind(): Kind {
    return this.#kind;
  }

  set kind(kind: Kind) {
    if (kind !== this.#kind) this.flush();
    this.#kind = kind;
  }

  get text(): string {
    return this.texts[this.kind];
  }

  get enclosed(): Enclosed[] {
    return this.files[this.kind];
  }

  get isEmpty(): boolean {
    return !this.text.trim() && !this.enclosed.length;
  }

  get isUploading(): boolean {
    return this.enclosed.some((one) => one.id === null && !one.error);
  }

  /** Whether somebody who looks should see this person as writing. */
  get isWriting(): boolean {
    return Date.now() - this.#typedAt < PAUSE;
  }

  /** Answers that somebody else gave since this one was begun, not yet said to be read. */
  get overtakenBy(): Entry[] {
    const since = this.#read;
    if (since === null || (!this.texts.reply.trim() && !this.files.reply.length)) return [];
    return talk.entries.filter((one) => one.kind === "message" && one.direction === "out" && one.id > since && one.staff?.id !== session.me?.id);
  }

  /** What the server is told that the author has seen: nothing beyond an answer still unread. */
  get #seenThrough(): Id | null {
    const [first] = this.overtakenBy;
    return first ? first.id - 1 : talk.seenThrough;
  }

  haveRead(): void {
    this.#read = talk.seenThrough;
    this.failure = null;
  }

  /** Takes up the drafts of a conversation that was just opened. */
  begin(conversation: Conversation): void {
    this.flush();
    this.#conversation = conversation.id;
    const draft = (kind: Kind): Draft | undefined => conversation.drafts.find((one) => one.kind === kind);
    this.texts = { reply: draft("reply")?.text ?? "", note: draft("note")?.text ?? "" };
    this.files = { reply: enclose(draft("reply")), note: enclose(draft("note")) };
    this.#kind = draft("note") && !draft("reply") ? "note" : "reply";
    this.#read = draft("reply")?.seen_through ?? null;
    this.saved = conversation.drafts.length ? "yes" : "no";
    this.failure = null;
    this.refused = null;
    this.#typedAt = 0;
    this.#pending.clear();
  }

  /** True when this is the first stroke after a pause: worth telling who else is here. */
  write(text: string): boolean {
    const first = !this.isWriting;
    if (this.isEmpty) this.#read = talk.seenThrough;
    this.texts[this.kind] = text;
    this.#typedAt = Date.now();
    this.#saveSoon();
    return first;
  }

  async attach(files: Iterable<File>): Promise<void> {
    const { kind } = this;
    if (this.isEmpty) this.#read = talk.seenThrough;
    const fresh = [...files].map((file) => new Enclosed(file));
    this.files[kind].push(...fresh);
    // What stands in the list is the reactive one.
    for (const one of this.files[kind].slice(-fresh.length)) if (await one.upload()) this.#saveSoon();
  }

  async uploadAgain(one: Enclosed): Promise<void> {
    if (await one.upload()) this.#saveSoon();
  }

  remove(one: Enclosed): void {
    one.discard();
    this.files[this.kind] = this.enclosed.filter((other) => other !== one);
    this.#saveSoon();
  }

  #saveSoon(): void {
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

  /** The page goes away: nothing waits its turn any more. */
  leave(): void {
    this.#keeping = Promise.resolve();
    for (const one of this.enclosed) void one.described();
    this.flush();
  }

  /** One save at a time, so that an older one never comes to the server after a newer one. */
  #save(): Promise<void> {
    const id = this.#conversation;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (id === null || this.sending) return this.#keeping;
    const draft = { kind: this.kind, text: this.text, media_ids: idsOf(this.enclosed), seen_through: this.#read ?? talk.seenThrough };
    const kept = this.isEmpty ? "no" : "yes";
    // What was typed meanwhile is still to be saved, however this ends.
    const say = (saved: "no" | "yes" | "failed"): void => void (this.#conversation === id && !this.#timer && (this.saved = saved));
    const which = `${id} ${draft.kind}`;
    this.#newest.set(which, draft);
    const put = (): Promise<void> | undefined => (this.#newest.get(which) === draft ? conversations.saveDraft(id, draft) : undefined);
    this.#keeping = this.#keeping.then(put).then(
      () => say(kept),
      () => say("failed"),
    );
    return this.#keeping;
  }

  /** Sends what the box holds. What the server made of it; null when it did not take it. */
  async send(close: boolean, later: conversations.Later | null = null): Promise<Entry | null> {
    const id = this.#conversation;
    const { kind, text, enclosed } = this;
    if (id === null || this.sending || this.isEmpty || this.isUploading) return null;
    clearTimeout(this.#timer);
    this.sending = true;
    this.failure = null;
    this.refused = null;
    try {
      // A save still on its way would bring back as a draft what is sent here.
      await Promise.all([this.#keeping, ...enclosed.map((one) => one.described())]);
      const media_ids = idsOf(enclosed);
      // The same answer after a doubt carries the same key, so that the server takes it once.
      const what = JSON.stringify([id, kind, text, media_ids, later]);
      if (this.#key?.what !== what) this.#key = { what, key: crypto.randomUUID() };
      const { key } = this.#key;
      const entry =
        kind === "note"
          ? await conversations.note(id, { text, media_ids }, key)
          : await conversations.reply(id, { text, media_ids, seen_through: this.#seenThrough, close, later, undo_seconds: session.me?.undo_seconds ?? 0 }, key);
      this.#key = null;
      if (this.#conversation === id) this.#sent(kind, entry);
      return entry;
    } catch (error) {
      this.failure = error;
      if (error instanceof ApiError && !error.passing) this.#key = null;
      if (error instanceof ApiError && error.status === 409) void talk.read();
      this.#saveSoon();
      return null;
    } finally {
      this.sending = false;
    }
  }

  #sent(kind: Kind, entry: Entry): void {
    this.files[kind].forEach((one) => one.discard());
    this.texts[kind] = "";
    this.files[kind] = [];
    this.saved = "no";
    this.#typedAt = 0;
    if (kind === "reply") {
      this.#read = null;
      this.#pending.add(entry.key);
    }
    talk.add(entry);
  }

  /** Takes an answer back into the box before it is out. True when it worked. */
  async undo(id: Id, entry: Entry): Promise<boolean> {
    if (this.#conversation === id) {
      clearTimeout(this.#timer);
      if (this.saved === "saving" && this.kind === "reply") await this.#save();
    }
    try {
      const draft = await conversations.takeBack(id, entry.id);
      this.#pending.delete(entry.key);
      if (this.#conversation === id) this.#putBack(draft);
      if (talk.id === id) talk.remove(entry.key);
      return true;
    } catch (error) {
      this.failure = error;
      void talk.read();
      return false;
    }
  }

  /** Saves what is written, so that the server puts its own behind it. */
  async keep(): Promise<void> {
    if (this.saved === "saving") await this.#save();
  }

  /** Shows what the server has made of the draft of a reply; null: it is gone. */
  takeUp(id: Id, draft: Draft | null): void {
    if (this.#conversation !== id) return;
    if (draft && draft.text !== this.texts.reply) this.#putBack(draft);
    else if (!draft) {
      this.texts.reply = "";
      this.saved = "no";
    }
  }

  #putBack(draft: Draft): void {
    this.#kind = "reply";
    this.texts.reply = draft.text;
    this.files.reply = enclose(draft);
    this.#read = draft.seen_through;
    this.saved = "yes";
    this.failure = null;
  }

  async sendNow(id: Id, entry: Entry): Promise<void> {
    const seen = talk.seenThrough;
    if (seen !== null) talk.put(await conversations.sendNow(id, entry.id, seen));
  }

  async move(id: Id, entry: Entry, later: conversations.Later): Promise<void> {
    talk.put(await conversations.moveAnswer(id, entry.id, later));
  }

  async callOff(id: Id, entry: Entry): Promise<void> {
    talk.put(await conversations.callOff(id, entry.id));
  }

  /** An answer undone in another window is here again, unless something else stands here now. */
  follow(conversation: Conversation): void {
    const draft = conversation.drafts.find((one) => one.kind === "reply");
    const gone = [...this.#pending].filter((key) => !talk.entries.some((entry) => entry.key === key));
    if (!gone.length || !talk.entries.length || this.#conversation !== conversation.id) return;
    gone.forEach((key) => this.#pending.delete(key));
    if (draft && !this.texts.reply && !this.files.reply.length) this.#putBack(draft);
  }

  /** Brings a refused answer back into an empty box, with the reason. */
  watch(entries: Entry[]): void {
    for (const entry of entries) {
      if (!this.#pending.has(entry.key) || !entry.delivery) continue;
      const { state } = entry.delivery;
      if (state === "published" || state === "cancelled") this.#pending.delete(entry.key);
      if (state === "failed") {
        this.#pending.delete(entry.key);
        if (!this.texts.reply && !this.files.reply.length) this.takeBack(entry);
      }
    }
  }

  /** The server has made a draft of what was refused, with its files; else its text is all there is. */
  takeBack(entry: Entry): void {
    const draft = talk.conversation?.drafts.find((one) => one.kind === "reply");
    this.#kind = "reply";
    this.texts.reply = draft?.text ?? entry.text;
    this.files.reply = enclose(draft);
    this.refused = entry.delivery?.reason ?? t.inbox.notSent;
    this.#read = talk.seenThrough;
    this.#saveSoon();
  }

  /** Turns the reply into a note, where a colleague is to answer instead. */
  makeNote(): void {
    this.texts.note = [this.texts.note, this.texts.reply].filter(Boolean).join("\n\n");
    this.files.note.push(...this.files.reply);
    this.texts.reply = "";
    this.files.reply = [];
    this.failure = null;
    void this.#save();
    this.#kind = "note";
    this.#saveSoon();
  }
}

const enclose = (draft: Draft | undefined): Enclosed[] => (draft?.media ?? []).map((media) => new Enclosed(media));
const idsOf = (files: Enclosed[]): Id[] => files.map((one) => one.id).filter((id) => id !== null);

export const answer = new Answer();
