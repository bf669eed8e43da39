/** The post that is being written: common pieces, what differs by account, a time. */
import { changeFollowing, repeatPost } from "$lib/api/series";
import { makeRenditions } from "$lib/api/library";
import { nextSlots, queuePost } from "$lib/api/slots";
import * as publishing from "$lib/api/publishing";
import type { Account, Contact, FilledTemplate, HashtagSet, Id, LibraryFile, LinkTags, Named, Opening, Post, PostAsWritten, PostTemplate, Preflight, RenditionUsed, VariantIn } from "$lib/api/types";
import { session } from "$lib/session.svelte";
import { sayNames } from "$lib/mentioning";
import { tagLinks } from "$lib/tagging";
import { wallTimeIn } from "$lib/times";
import { frameIn, type Framed } from "$lib/framing";
import { cardsIn, framingIn, itemsIn, merged, newPiece, ownOf, readPost, variantIn, type Own, type Part, type Piece, type Whole } from "./pieces";

export type Fold = Post["fold"];
export type Gap = Post["gap"];

class DraftPost {
  post: Post | null = $state(null);
  brandId: Id | null = $state(null);
  accountIds: Id[] = $state([]);
  common: Whole = $state({ pieces: [newPiece()], comment: "", frames: {} });
  /** What accounts have of their own. */
  own: Record<Id, Own> = $state({});
  later = $state(true);
  /** The rule by which it repeats, once its dates are known. */
  repeats: { rule: string; dates: number } | null = $state(null);
  /** What is changed counts for the following posts of its series too. */
  following = $state(false);
  /** In seconds; null: what the brand has. */
  lateLimit: number | null = $state(null);
  /** At the next free slot, whose time the server gives it; together: one for all accounts. */
  queue = $state(false);
  together = $state(false);
  slots: Opening[] = $state([]);
  slotsError: unknown = $state(null);
  wallTime = $state("");
  timeZone = $state("UTC");
  fold: Fold = $state("first");
  gap: Gap = $state("later");
  /** Nothing of it begins before this; "" for no embargo. */
  embargo = $state("");
  embargoZone = $state("UTC");
  goesOn = $state(false);
  /** Labels, and one campaign at most. */
  tagIds: Id[] = $state([]);
  /** Its links are tagged as its brand says. */
  tagsLinks = $state(true);
  /** Sets of hashtags of every brand that one sees. */
  hashtags: HashtagSet[] = $state([]);
  /** Templates of every brand that one sees. */
  templates: PostTemplate[] = $state([]);
  /** The address book of every brand that one sees, and what is for all. */
  contacts: Contact[] = $state([]);
  check: Preflight | null = $state(null);
  checkError: unknown = $state(null);
  /** Smaller versions of pictures are being made. */
  fitting = $state(false);
  /** Anything that is not on the server yet. */
  touched = $state(false);
  #key = crypto.randomUUID();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  get accounts(): Account[] {
    return this.accountIds.flatMap((id) => session.account(id) ?? []);
  }

  get editable(): boolean {
    return this.post === null || this.post.may.includes("change");
  }

  get empty(): boolean {
    const written = (whole: Whole): boolean => whole.comment.trim() !== "" || whole.pieces.some((piece) => piece.text.trim() || piece.media.length);
    return !written(this.common) && !Object.values(this.own).some((own) => written(merged(this.common, own)));
  }

  /** The post as it stands for an account; null: for all. */
  wholeFor(id: Id | null): Whole {
    return id === null ? this.common : merged(this.common, this.own[id]);
  }

  /** How many messages go out in all. */
  get messages(): number {
    return this.accountIds.reduce((sum, id) => sum + this.wholeFor(id).pieces.length + (this.wholeFor(id).comment ? 1 : 0), 0);
  }

  partsOwnTo(id: Id): Part[] {
    return Object.keys(this.own[id] ?? {}) as Part[];
  }

  /** The times at which it would go out from the queue, each with its accounts. */
  get slotTimes(): (Opening & { accounts: Id[] })[] {
    const times = new Map<string, Opening & { accounts: Id[] }>();
    for (const one of this.slots) {
      const time = times.get(one.at) ?? { ...one, accounts: [] };
      times.set(one.at, { ...time, accounts: [...time.accounts, one.account_id] });
    }
    return [...times.values()].sort((a, b) => a.at.localeCompare(b.at));
  }

  async findSlots(): Promise<void> {
    const [ids, together] = [[...this.accountIds], this.together];
    try {
      const found = ids.length ? await nextSlots(ids, together) : [];
      if (ids.join() === this.accountIds.join() && together === this.together) [this.slots, this.slotsError] = [found, null];
      this.verify();
    } catch (error) {
      if (ids.join() === this.accountIds.join()) [this.slots, this.slotsError] = [[], error];
    }
  }

  /** Takes the slots; the posts that it became, itself first. */
  async enqueue(): Promise<Post[]> {
    const saved = this.post && !this.touched ? this.post : await this.save();
    return queuePost(saved.id, this.together);
  }

  /** Schedules every date of its rule; the post itself is the first. */
  async repeat(rule: string, for_approval: boolean): Promise<Post> {
    const saved = this.post && !this.touched ? this.post : await this.save();
    await repeatPost(saved.id, { rule, for_approval, wall_time: this.wallTime, time_zone: this.timeZone, fold: this.fold, gap: this.gap });
    return publishing.getPost(saved.id);
  }

  /** Puts the words of a template in: those of a network into its accounts, the others for all. Gives what takes it back. */
  begunFrom(filled: FilledTemplate): () => void {
    const [common, own] = [this.common, this.own];
    const [first = newPiece(), ...items] = common.pieces;
    const mine = { ...own };
    for (const one of this.accounts) {
      const kept: Own = { ...mine[one.id] };
      const words = filled.variants[one.network] ?? filled.text;
      if (words === filled.text) delete kept.text;
      else kept.text = words;
      if (Object.keys(kept).length) mine[one.id] = kept;
      else delete mine[one.id];
    }
    this.common = { ...common, pieces: [{ ...first, text: filled.text }, ...items] };
    this.own = mine;
    this.changed();
    return () => {
      [this.common, this.own] = [common, own];
      this.changed();
    };
  }

  begin(wallTime: string | null, zone: string | null = null, accounts: Id[] = []): void {
    this.#blank();
    this.brandId = session.brands[0]?.id ?? null;
    const [first] = accounts.flatMap((id) => session.account(id) ?? []);
    if (first) this.brandId = first.brand.id;
    this.accountIds = accounts.filter((id) => session.account(id)?.brand.id === this.brandId);
    this.timeZone = zone ?? session.brands.find((one) => one.id === this.brandId)?.time_zone ?? session.me?.time_zone ?? "UTC";
    this.wallTime = wallTime ?? nextHour(this.timeZone);
    if (this.accountIds.length) this.verify();
  }

  /** The same words and accounts as a new post, to be sent another time. */
  again(): void {
    const { brandId, accountIds, common, own, timeZone, tagIds, tagsLinks } = this;
    this.#blank();
    Object.assign(this, { brandId, accountIds, common, own, timeZone, tagIds, tagsLinks, wallTime: nextHour(timeZone) });
    this.changed();
  }

  #blank(): void {
    this.post = null;
    this.common = { pieces: [newPiece()], comment: "", frames: {} };
    this.own = {};
    this.accountIds = [];
    this.check = null;
    this.later = true;
    this.queue = false;
    this.repeats = null;
    this.following = false;
    this.slots = [];
    this.slotsError = null;
    this.lateLimit = null;
    this.fold = "first";
    this.gap = "later";
    this.embargo = "";
    this.goesOn = false;
    this.tagIds = [];
    this.tagsLinks = true;
    this.touched = false;
    this.#key = crypto.randomUUID();
  }

  take(post: Post): void {
    const read = readPost(post);
    this.post = post;
    this.brandId = post.brand_id;
    this.common = read.common;
    this.own = read.own;
    this.accountIds = post.variants.map((variant) => variant.account_id);
    this.later = true;
    this.queue = false;
    this.following = false;
    this.lateLimit = post.late_limit;
    this.timeZone = post.time_zone;
    this.fold = post.fold;
    this.gap = post.gap;
    this.embargo = post.embargo_wall_time?.slice(0, 16) ?? "";
    this.embargoZone = post.embargo_time_zone;
    this.goesOn = post.goes_on;
    this.tagIds = post.tags.map((one) => one.id);
    this.tagsLinks = post.tags_links;
    this.wallTime = post.wall_time?.slice(0, 16) ?? nextHour(post.time_zone);
    this.touched = false;
    this.verify();
  }

  changed(): void {
    this.touched = true;
    this.verify();
  }

  /** Writes what stands somewhere; for an account only what differs from the common is kept. */
  put(id: Id | null, whole: Whole): void {
    if (id === null) {
      this.common = whole;
    } else {
      const own = ownOf(this.common, whole);
      if (own) this.own[id] = own;
      else delete this.own[id];
    }
    this.changed();
  }

  change(id: Id | null, key: number, what: Partial<Pick<Piece, "text" | "media" | "card">>): void {
    const whole = this.wholeFor(id);
    this.put(id, { ...whole, pieces: whole.pieces.map((piece) => (piece.key === key ? { ...piece, ...what } : piece)) });
  }

  /** Shows a file so wherever it stands in the post, for an account or for all; null: whole. */
  frame(id: Id | null, file: Id, framed: Framed | null): void {
    const whole = this.wholeFor(id);
    const { [file]: _, ...others } = whole.frames;
    this.put(id, { ...whole, frames: framed ? { ...others, [file]: framed } : others });
  }

  /** Puts a file of the library to the first piece; an empty draft goes over to its brand. */
  attach(file: LibraryFile): void {
    if (file.brand && this.empty && !this.accountIds.length) this.brandId = file.brand.id;
    const [first = newPiece(), ...items] = this.common.pieces;
    if (first.media.some((one) => one.id === file.id)) return;
    this.put(null, { ...this.common, pieces: [{ ...first, media: [...first.media, file] }, ...items] });
  }

  sameAsAll(id: Id): void {
    delete this.own[id];
    this.changed();
  }

  toggle(id: Id): void {
    this.accountIds = this.accountIds.includes(id) ? this.accountIds.filter((one) => one !== id) : [...this.accountIds, id];
    this.changed();
  }

  get variants(): VariantIn[] {
    return this.accountIds.map((id) => variantIn(id, this.own[id]));
  }

  get #words() {
    const [first = newPiece(), ...items] = this.common.pieces;
    return { text: first.text, media_ids: first.media.map((file) => file.id), items: itemsIn(items), first_comment: this.common.comment, framing: framingIn(this.common.frames), cards: cardsIn(this.common.pieces.map((piece) => piece.card)), variants: this.variants };
  }

  /** What its links may be tagged with, and when it goes out as far as that is known. */
  get asWritten(): PostAsWritten {
    const slot = this.queue ? this.slotTimes[0] : undefined;
    const wall_time = slot ? slot.wall_time : this.later && this.wallTime ? this.wallTime : null;
    const tag_ids = this.tagIds.filter((id) => session.tags.find((one) => one.id === id)?.brand_id === this.brandId);
    return { post_id: this.post?.id ?? null, tags_links: this.tagsLinks, tag_ids, wall_time, time_zone: slot?.time_zone ?? this.timeZone };
  }

  /** What becomes of it on an account: as it was settled, until somebody writes again. */
  #becomes(id: Id): { link_tags: LinkTags | null; mentions: Named[] } | undefined {
    const settled = this.post !== null && this.post.state !== "draft" && !this.touched;
    const of: { account_id: Id; link_tags: LinkTags | null; mentions: Named[] }[] | undefined = settled ? this.post?.variants : this.check?.accounts;
    return of?.find((one) => one.account_id === id);
  }

  /** What is added to its links on an account. */
  linkTagsFor(id: Id): LinkTags | null {
    return this.#becomes(id)?.link_tags ?? null;
  }

  /** A text as it goes out on an account: its links tagged, its names said as they are said there. */
  sentOn(id: Id, text: string): string {
    return sayNames(tagLinks(text, this.linkTagsFor(id)), this.#becomes(id)?.mentions);
  }

  /** Asks what the networks would say, once the typing rests. */
  verify(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), 350);
  }

  async #ask(): Promise<void> {
    const mine = ++this.#asked;
    try {
      const check = await publishing.preflight({ ...this.#words, ...this.asWritten, fold: this.fold, gap: this.gap });
      if (mine === this.#asked) {
        this.check = check;
        this.checkError = null;
        void this.#fit(check);
      }
    } catch (error) {
      if (mine === this.#asked) this.checkError = error;
    }
  }

  /** Pictures that an account would refuse and can have otherwise: made once, then asked again. */
  async #fit(check: Preflight): Promise<void> {
    const wanted = new Map<string, { file: Id; frame: Framed | null; accounts: Id[] }>();
    for (const { account_id, problems } of check.accounts) {
      for (const { item, data } of problems) {
        const whole = this.wholeFor(account_id);
        const file = data["can_fit"] === true ? whole.pieces[item]?.media[Number(data["index"])] : undefined;
        if (!file) continue;
        const frame = whole.frames[file.id] ?? null;
        const key = `${file.id} ${frame ? JSON.stringify(frameIn(frame)) : ""}`;
        if (this.#fitted.has(`${key} ${account_id}`)) continue;
        this.#fitted.add(`${key} ${account_id}`);
        wanted.set(key, { file: file.id, frame, accounts: [...(wanted.get(key)?.accounts ?? []), account_id] });
      }
    }
    if (!wanted.size) return;
    this.fitting = true;
    // What fails is refused as it was: that stands beside the file.
    await Promise.allSettled([...wanted.values()].map(({ file, frame, accounts }) => makeRenditions(file, accounts, frame && frameIn(frame))));
    this.fitting = false;
    this.verify();
  }
  #fitted = new Set<string>();

  /** Whether a file is in it, for any account. */
  holds(file: Id): boolean {
    return [null, ...this.accounts.map((one) => one.id)].some((scope) => this.wholeFor(scope).pieces.some((piece) => piece.media.some((one) => one.id === file)));
  }

  /** What an account gets in place of a file, if it is not the file itself. */
  renditionFor(account: Id, item: number, index: number): RenditionUsed | undefined {
    return this.check?.accounts.find((one) => one.account_id === account)?.renditions.find((one) => one.item === item && one.index === index);
  }

  /** Keeps with a file what it shows. A post that is planned is another version by that: ours
   * goes on from there, unless somebody changed more of it. */
  describe(id: Id, alt: string): Promise<void> {
    const told = this.#describing.then(() => publishing.describeMedia(id, alt)).then(() => this.#follow());
    this.#describing = told.catch(() => undefined);
    return told;
  }
  #describing: Promise<void> = Promise.resolve();

  async #follow(): Promise<void> {
    if (!this.post || this.post.state === "draft") return;
    const read = await publishing.getPost(this.post.id);
    const said = ({ title, text, items, first_comment, media_ids, framing, cards, variants, wall_time, time_zone }: Post): string =>
      JSON.stringify([title, text, items, first_comment, media_ids, framing, cards, variants, wall_time, time_zone]);
    if (this.post?.id === read.id && said(read) === said(this.post)) this.post = read;
  }

  async save(): Promise<Post> {
    await this.#describing; // leaving a field for the button tells of it too
    const content = { ...this.#words, time_zone: this.timeZone, fold: this.fold, gap: this.gap, ...(this.lateLimit ? { late_limit: this.lateLimit } : {}), ...(this.later && !this.queue && this.wallTime ? { wall_time: this.wallTime } : {}) };
    const guards = { embargo_time_zone: this.embargoZone, goes_on: this.goesOn, tags_links: this.tagsLinks, tag_ids: this.asWritten.tag_ids };
    if (this.post && this.following) await changeFollowing(this.post.id, { version: this.post.version, ...content, ...guards, embargo_wall_time: this.embargo });
    const post = this.post && this.following
      ? await publishing.getPost(this.post.id)
      : this.post
      ? await publishing.changePost(this.post.id, { version: this.post.version, ...content, ...guards, embargo_wall_time: this.embargo })
      : await publishing.addPost({ brand_id: this.brandId ?? 0, ...content, ...guards, embargo_wall_time: this.embargo || null }, this.#key);
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
