/**
 * The length of a text as its network counts it, while somebody types. The server counts again
 * with channels/limits.py and has the last word.
 */
import type { TextLimit } from "../api/types";

export interface Count {
  used: number;
  max: number | null;
  /** What is left; null where nothing limits. */
  left: number | null;
  tooManyBytes: boolean;
}

type Weighted = (text: string) => number;
let weighted: Weighted | null = null;

/** X's own counter is 30 kB: loaded once an account that needs it is written for. */
export async function prepareCounting(limits: Iterable<TextLimit>): Promise<void> {
  for (const limit of limits) if (limit.unit === "weighted" && !weighted) weighted = await loadWeighted();
}

async function loadWeighted(): Promise<Weighted> {
  const { default: twitter } = await import("twitter-text");
  return (text) => twitter.parseTweet(text.replaceAll("\r\n", "\n")).weightedLength;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const URL_WITH_PROTOCOL = /https?:\/\/[^\s<>"'”»)]+[^\s<>"'”»).,;:!?]/giu;
const FULL_MENTION = /(^|[^/\w])@([a-z0-9_]+)@[a-z0-9.-]+[a-z0-9]+/gi;

export function count(text: string, limit: TextLimit): Count {
  const used = length(text, limit);
  const bytes = limit.max_bytes === null ? 0 : new TextEncoder().encode(text).length;
  return {
    used,
    max: limit.max_length,
    left: limit.max_length === null ? null : limit.max_length - used,
    tooManyBytes: limit.max_bytes !== null && bytes > limit.max_bytes,
  };
}

function length(text: string, limit: TextLimit): number {
  if (limit.unit === "weighted") return weighted ? weighted(text) : [...text.normalize("NFC")].length;
  let counted = text;
  if (limit.url_length !== null) counted = counted.replace(URL_WITH_PROTOCOL, "x".repeat(limit.url_length));
  if (limit.mention_local_only) counted = counted.replace(FULL_MENTION, "$1@$2");
  if (limit.unit === "grapheme") return [...graphemes.segment(counted)].length;
  return [...counted].length;
}
