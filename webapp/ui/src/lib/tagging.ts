/**
 * Links of a text as they go out, tagged as their brand says, while somebody types. The server
 * does the same (guichet/publishing/link_tags.py) and has the last word: both are held to one table.
 */
import type { LinkTags } from "./api/types";

const LINK = /(?<![A-Za-z0-9_@＠$#＃/])[Hh][Tt][Tt][Pp][Ss]?:\/\/([\p{L}\p{M}\p{N}.-]+)(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0400-\u04ff]*)?/gu;
/** What may stand right behind a link. */
const END = /^(?:$|[ \t\r\n\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000.,;:!?'…*)\]}<>"«»“”‘’|—–、。，．）」』】！？：；]|\p{Extended_Pictographic})/u;
/** Browsers let more pass than may be registered (RFC 5891). */
const LABEL = /^(?!-)(?!(?!xn)..--)[a-z0-9-]{1,63}(?<!-)$/;
const CLOSING: Record<string, string> = { ")": "(", "]": "[" };
const OF_A_SENTENCE = ".,;:!?'…*";

export function tagLinks(text: string, tags: LinkTags | null | undefined): string {
  if (!tags?.parameters.length || !text.includes("://")) return text;
  let [made, at] = ["", 0];
  for (const { start, link, host } of links(text)) {
    if (!isOf(host, tags.domains)) continue;
    made += text.slice(at, start) + tagged(link, tags.parameters);
    at = start + link.length;
  }
  return made + text.slice(at);
}

/** The whole links of a text, in order. */
export const linksIn = (text: string): string[] => [...links(text)].filter((one) => one.host).map((one) => one.link);

function* links(text: string): Generator<{ start: number; link: string; host: string }> {
  for (const match of text.matchAll(LINK)) {
    const link = withoutPunctuation(match[0]);
    const end = match.index + link.length;
    if (END.test(text.slice(end, end + 2))) yield { start: match.index, link, host: hostOf((match[1] ?? "").replace(/\.+$/, "")) };
  }
}

/** A host's name in ASCII; "" for what is none. */
function hostOf(name: string): string {
  try {
    const host = new URL(`http://${name}`).hostname;
    return host.split(".").every((label) => LABEL.test(label)) ? host : "";
  } catch {
    return "";
  }
}

const isOf = (host: string, domains: string[]): boolean => domains.some((domain) => host === domain || host.endsWith(`.${domain}`));

/** A link without the punctuation of the sentence around it; a bracket stays if it was opened within. */
function withoutPunctuation(link: string): string {
  const times = (text: string, sign: string): number => text.split(sign).length - 1;
  for (let left = link; ; left = left.slice(0, -1)) {
    const last = left.at(-1) ?? "";
    const opened = CLOSING[last];
    if (opened ? times(left, last) <= times(left, opened) : !last || !OF_A_SENTENCE.includes(last)) return left;
  }
}

function tagged(link: string, parameters: [string, string][]): string {
  const cut = (text: string, sign: string): [string, string] => (text.includes(sign) ? [text.slice(0, text.indexOf(sign)), text.slice(text.indexOf(sign))] : [text, ""]);
  const [address, fragment] = cut(link, "#");
  const [path, asked] = cut(address, "?");
  const query = asked.slice(1);
  const there = new Set(query.split("&").map(nameOf));
  const added = parameters.filter(([name]) => !there.has(name)).map(([name, value]) => `${name}=${value}`).join("&");
  return added ? `${path}?${query}${!query || query.endsWith("&") ? "" : "&"}${added}${fragment}` : link;
}

const nameOf = (pair: string): string =>
  (pair.split("=")[0] ?? "")
    .replaceAll("+", " ")
    .replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)))
    .toLowerCase();
