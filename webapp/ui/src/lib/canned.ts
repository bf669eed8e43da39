/** The words of a canned reply: in which language, and with what in the place of its variables. */
import type { CannedReply } from "./api/types";
import { t } from "./i18n/index.svelte";
import { preferences } from "./preferences.svelte";
import { format } from "./times";

/**
 * Fills the variables of a canned reply, such as `{customer.first_name}`; `{customer.first_name|there}`
 * says what stands there where nothing is known. An unknown variable stays as it is, in sight of who
 * sends it.
 */
export function fillCanned(text: string, values: Record<string, string>): string {
  return text.replace(/\{(\p{L}[\p{L}\p{N}_]*(?:\.\p{L}[\p{L}\p{N}_]*)?)(?:\|([^{}|]*))?\}/gu, (whole, name: string, instead?: string) => {
    const known = name.toLowerCase();
    return Object.hasOwn(values, known) ? values[known] || (instead ?? "").trim() : whole;
  });
}

/**
 * The text in the first of the languages wanted in which it was written (a country's variety counts
 * as its language, and the other way round); where there is none, as it was written first.
 */
export function inLanguage(reply: Pick<CannedReply, "text" | "language" | "translations">, wanted: (string | null | undefined)[]): string {
  const texts = Object.entries({ ...(reply.language && { [reply.language]: reply.text }), ...reply.translations });
  const base = (code: string): string => code.toLowerCase().split(/[-_]/)[0] ?? "";
  for (const code of wanted) {
    if (!code) continue;
    const found = texts.find(([one]) => one.toLowerCase() === code.toLowerCase()) ?? texts.find(([one]) => base(one) === base(code));
    if (found) return found[1];
  }
  return reply.text;
}

/** Those that hold today, by folder and name; what begins with what was typed comes first. */
export function findCanned(replies: CannedReply[], typed: string, fold: (text: string) => string): CannedReply[] {
  const sought = fold(typed);
  const begins = (one: CannedReply): boolean => fold(one.shortcut).startsWith(sought) || fold(one.name).startsWith(sought);
  return replies
    .filter((one) => one.standing === "valid" && fold(`${one.shortcut} ${one.name} ${one.folder}`).includes(sought))
    .sort((a, b) => Number(begins(b)) - Number(begins(a)) || byFolder(a, b));
}

/** Since when, or from when on, one that does not hold today holds no more or not yet. */
export function standingOf(reply: CannedReply): string {
  // A day is a day wherever it is read.
  const day = (of: string | null): string => format(preferences.language, { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" }).format(Date.parse(of ?? ""));
  return reply.standing === "expired" ? t.inbox.cannedExpired(day(reply.valid_until)) : t.inbox.cannedEarly(day(reply.valid_from));
}

export function byFolder(a: CannedReply, b: CannedReply): number {
  return a.folder.localeCompare(b.folder) || a.name.localeCompare(b.name);
}
