/** One file on its way into an answer or a note: uploaded at once, described, taken out again. */
import { describeMedia, uploadMedia } from "$lib/api/publishing";
import { makeRenditions } from "$lib/api/library";
import type { Id, Media, RenditionFor } from "$lib/api/types";

let made = 0;

export class Enclosed {
  readonly key = ++made;
  readonly name: string;
  media: Media | null = $state(null);
  mime: string = $state("");
  size = $state(0);
  alt = $state("");
  /** From 0 to 1, while it is uploaded. */
  progress = $state(0);
  error: unknown = $state(null);
  preview: string | null = $state(null);
  /** What the account gets in its place, where its network would refuse it. */
  version: RenditionFor | null = $state(null);
  #asked = "";
  #file: File | null = null;
  #stop = new AbortController();
  #soon: ReturnType<typeof setTimeout> | undefined;
  #described: Promise<void> = Promise.resolve();

  constructor(from: File | Media) {
    this.name = from.name;
    if (from instanceof File) {
      this.#file = from;
      this.mime = from.type;
      this.size = from.size;
      if (from.type.startsWith("image/")) this.preview = URL.createObjectURL(from);
    } else this.#take(from);
  }

  get id(): Id | null {
    return this.media?.id ?? null;
  }

  get isPicture(): boolean {
    return this.mime.startsWith("image/");
  }

  /** Uploads it, again after a failure. True when the server has it. */
  async upload(): Promise<boolean> {
    if (!this.#file) return true;
    this.error = null;
    this.progress = 0;
    try {
      this.#take(await uploadMedia(this.#file, { alt: this.alt }, (share) => (this.progress = share), this.#stop.signal));
      this.describe(this.alt); // what was typed meanwhile
      return true;
    } catch (error) {
      this.error = error;
      return false;
    }
  }

  #take(media: Media): void {
    this.media = media;
    this.mime = media.mime;
    this.size = media.size;
    this.alt ||= media.alt;
    this.progress = 1;
    this.#forgetPreview();
    if (this.isPicture) this.preview = media.url;
  }

  /** Has a version made that this account takes; what cannot be made is refused as it was. */
  async fit(account: Id, surface: string): Promise<void> {
    const wanted = `${this.id} ${account} ${surface}`;
    if (this.id === null || this.#asked === wanted) return;
    this.#asked = wanted;
    const made = await makeRenditions(this.id, [account]).catch(() => null);
    if (this.#asked === wanted) this.version = made?.accounts.find((one) => one.account_id === account && one.surface === surface) ?? null;
  }

  /** Keeps the description on the server; sending waits for it. */
  describe(alt: string): void {
    const { media } = this;
    this.alt = alt;
    if (!media || media.alt === alt) return;
    this.#described = describeMedia(media.id, alt).then(
      (kept) => void (media.alt = kept.alt),
      (error: unknown) => void (this.error = error),
    );
  }

  /** While somebody types: kept after a pause, so that a page that is left loses nothing. */
  describeSoon(alt: string): void {
    this.alt = alt;
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.describe(this.alt), 600);
  }

  described(): Promise<void> {
    clearTimeout(this.#soon);
    this.describe(this.alt);
    return this.#described;
  }

  discard(): void {
    this.#stop.abort();
    this.#forgetPreview();
  }

  #forgetPreview(): void {
    if (this.preview?.startsWith("blob:")) URL.revokeObjectURL(this.preview);
    this.preview = null;
  }
}
