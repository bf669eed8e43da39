/** The post that is being written: one text for all, another where it differs, files, a time. */
import * as publishing from "$lib/api/publishing";
import type { Account, Id, Media, Post, Preflight, VariantIn } from "$lib/api/types";
import { session } from "$lib/session.svelte";
import { wallTimeIn } from "$lib/times";

const EDITABLE = new Set(["draft", "awaiting_approval", "scheduled", "held", "cancelled"]);

class DraftPost {
  post: Post | null = $state(null);
  brandId: Id | null = $state(null);
  text = $state("");
  subject = $state("");
  accountIds: Id[] = $state([]);
  /** Texts of their own, by account. */
  own: Record<Id, string> = $state({});
  media: Media[] = $state([]);
  later = $state(true);
  wallTime = $state("");
  timeZone = $state("UTC");
  check: Preflight | null = $state(null);
  checkError: unknown = $state(null);
  /** Anything that is not on the server yet. */
  touched = $state(false);
  #key = crypto.randomUUID();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  get accounts(): Account[] {
    return this.accountIds.flatMap((id) => session.account(id) ?? []);
  }

  get editable(): boolean {
    return this.post === null || EDITABLE.has(this.post.state);
  }

  get empty(): boolean {
    return !this.text.trim() && !this.media.length && !Object.values(this.own).some((text) => text.trim());
  }

  textFor(id: Id): string {
    return this.own[id] ?? this.text;
  }

  begin(wallTime: string | null): void {
    this.post = null;
    this.text = "";
    this.subject = "";
    this.own = {};
    this.media = [];
    this.accountIds = [];
    this.check = null;
    this.later = true;
    this.brandId = session.brands[0]?.id ?? null;
    this.timeZone = session.brands[0]?.time_zone ?? session.me?.time_zone ?? "UTC";
    this.wallTime = wallTime ?? nextHour(this.timeZone);
    this.touched = false;
    this.#key = crypto.randomUUID();
  }

  take(post: Post): void {
    this.post = post;
    this.brandId = post.brand_id;
    this.text = post.text;
    this.subject = post.subject;
    this.accountIds = post.variants.map((variant) => variant.account_id);
    this.own = Object.fromEntries(post.variants.filter((variant) => variant.text !== null).map((variant) => [variant.account_id, variant.text ?? ""]));
    this.media = post.media;
    this.later = true;
    this.timeZone = post.time_zone;
    this.wallTime = post.wall_time?.slice(0, 16) ?? nextHour(post.time_zone);
    this.touched = false;
    this.verify();
  }

  changed(): void {
    this.touched = true;
    this.verify();
  }

  toggle(id: Id): void {
    this.accountIds = this.accountIds.includes(id) ? this.accountIds.filter((one) => one !== id) : [...this.accountIds, id];
    this.changed();
  }

  get variants(): VariantIn[] {
    return this.accountIds.map((id) => ({ account_id: id, text: this.own[id] ?? null, items: null, media_ids: null, language: null, subject: null }));
  }

  /** Asks what the networks would say, once the typing rests. */
  verify(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), 350);
  }

  async #ask(): Promise<void> {
    const mine = ++this.#asked;
    if (!this.accountIds.length) {
      this.check = null;
      return;
    }
    try {
      const check = await publishing.preflight({
        text: this.text,
        media_ids: this.media.map((one) => one.id),
        variants: this.variants,
        wall_time: this.later && this.wallTime ? this.wallTime : null,
        time_zone: this.timeZone,
      });
      if (mine === this.#asked) {
        this.check = check;
        this.checkError = null;
      }
    } catch (error) {
      if (mine === this.#asked) this.checkError = error;
    }
  }

  async save(): Promise<Post> {
    const content = {
      text: this.text,
      subject: this.subject,
      media_ids: this.media.map((one) => one.id),
      variants: this.variants,
      time_zone: this.timeZone,
      ...(this.later && this.wallTime ? { wall_time: this.wallTime } : {}),
    };
    const post = this.post
      ? await publishing.changePost(this.post.id, { version: this.post.version, ...content })
      : await publishing.addPost({ brand_id: this.brandId ?? 0, ...content }, this.#key);
    this.post = post;
    this.touched = false;
    return post;
  }
}

/** The next full hour in a zone, as a wall time. */
export function nextHour(zone: string): string {
  return wallTimeIn(zone, Math.ceil((Date.now() + 60_000) / 3_600_000) * 3_600_000);
}

export const draft = new DraftPost();
