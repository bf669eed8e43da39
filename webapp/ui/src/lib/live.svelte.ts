/**
 * Live changes. Server-sent events first: the browser resumes by itself with Last-Event-ID.
 * When the stream fails this polls, and when nothing has been heard for long enough it says
 * that the page is stale, because a quiet list and a broken list look the same.
 */
import { soon } from "./soon";

export type LiveState = "connecting" | "live" | "polling" | "stale";
type Hear = (data: Record<string, unknown>) => void;

const TYPES = ["conversation", "message", "side", "alert", "notice", "presence", "delivery", "post", "film", "evergreen", "account", "brake", "counts", "rights", "signed_out", "resync"] as const;
export type LiveType = (typeof TYPES)[number];

const SILENCE = 45_000;
const POLL = 15_000;

class Live {
  state: LiveState = $state("connecting");
  heardAt: number = $state(Date.now());
  #source: EventSource | null = null;
  #hearers = new Map<LiveType, Set<Hear>>();
  #watch: ReturnType<typeof setInterval> | undefined;
  #lastPoll = 0;
  #failures = 0;

  /** Registers for one kind of change; returns how to stop. `resync` means: read again. */
  on(type: LiveType, hear: Hear): () => void {
    const set = this.#hearers.get(type) ?? new Set();
    set.add(hear);
    this.#hearers.set(type, set);
    return () => void set.delete(hear);
  }

  /** Runs `act` once, `wait` ms after the first of a burst of these changes; returns how to stop. */
  onSoon(types: readonly LiveType[], act: () => void, wait: number | (() => number)): () => void {
    const run = soon(act, wait);
    const stops = [...types.map((type) => this.on(type, run)), run.stop];
    return () => stops.forEach((stop) => stop());
  }

  start(): () => void {
    this.#open();
    this.#watch = setInterval(() => this.#look(), 5_000);
    const wake = (): void => void (document.visibilityState === "visible" && this.#look());
    document.addEventListener("visibilitychange", wake);
    return () => {
      this.#source?.close();
      clearInterval(this.#watch);
      document.removeEventListener("visibilitychange", wake);
    };
  }

  /** Any answer of the server is a sign of life; pages call it after a successful read. */
  heard(): void {
    this.heardAt = Date.now();
    if (this.state === "stale") this.state = this.#source?.readyState === EventSource.OPEN ? "live" : "polling";
  }

  retry(): void {
    this.#open();
    this.#emit("resync", {});
  }

  #open(): void {
    this.#source?.close();
    const source = new EventSource("/api/v1/events");
    this.#source = source;
    source.onopen = () => {
      const recovered = this.state === "polling" || this.state === "stale";
      this.#failures = 0;
      this.state = "live";
      this.heardAt = Date.now();
      if (recovered) this.#emit("resync", {});
    };
    source.onerror = () => {
      this.#failures += 1;
      if (this.state === "live" || this.state === "connecting") this.state = "polling";
    };
    source.addEventListener("ping", () => this.heard());
    for (const type of TYPES) {
      source.addEventListener(type, (event) => {
        this.heard();
        this.#emit(type, parse((event as MessageEvent<string>).data));
      });
    }
  }

  #look(): void {
    const silent = Date.now() - this.heardAt;
    if (silent > SILENCE) this.state = "stale";
    const closed = this.#source?.readyState === EventSource.CLOSED;
    if (closed && this.#failures % 4 === 0) this.#open();
    else if (closed) this.#failures += 1;
    if (this.state !== "live" && Date.now() - this.#lastPoll > POLL) {
      this.#lastPoll = Date.now();
      this.#emit("resync", {});
    }
  }

  #emit(type: LiveType, data: Record<string, unknown>): void {
    for (const hear of this.#hearers.get(type) ?? []) hear(data);
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export const live = new Live();
