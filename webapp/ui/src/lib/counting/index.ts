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

type Twitter = typeof import("twitter-text").default;
let twitter: Twitter | null = null;

/** What finds URLs and weighs as X does is 30 kB (Mastodon finds them by the same rules): loaded
    once an account that needs it is written for. */
export async function prepareCounting(limits: Iterable<TextLimit>): Promise<void> {
  for (const limit of limits) if (limit.url_length !== null && !twitter) twitter = (await import("twitter-text")).default;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
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
  if (limit.unit === "weighted") return twitter ? twitter.parseTweet(text.replaceAll("\r\n", "\n")).weightedLength : [...text.normalize("NFC")].length;
  let counted = limit.url_length === null ? text : withUrlsAs(text, limit.url_length);
  if (limit.mention_local_only) counted = counted.replace(FULL_MENTION, "$1@$2");
  if (limit.unit === "grapheme") return [...graphemes.segment(counted)].length;
  return [...counted].length;
}

function withUrlsAs(text: string, length: number): string {
  let [counted, at] = ["", 0];
  for (const { indices } of twitter?.extractUrlsWithIndices(text, { extractUrlsWithoutProtocol: false }) ?? []) {
    counted += text.slice(at, indices[0]) + "x".repeat(length);
    at = indices[1];
  }
  return counted + text.slice(at);
}
