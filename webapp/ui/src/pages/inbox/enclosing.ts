/** Files with an answer: what the network's rules say of each, and how sizes and kinds are named. */
import type { MediaLimit } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";
import type { Language } from "$lib/preferences.svelte";
import { number } from "$lib/times";

/** What the rules look at. `mime` is the browser's guess until the server has looked inside. */
export interface Facts {
  mime: string;
  size: number;
  alt: string;
  /** What goes out in its place. */
  version?: { mime: string; size: number } | null;
}

const KINDS: Record<string, string> = {
  "image/jpeg": "JPEG",
  "video/quicktime": "MOV",
  "video/x-m4v": "M4V",
  "audio/mpeg": "MP3",
  "text/plain": "TXT",
  "text/csv": "CSV",
  "text/calendar": "ICS",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "DOCX",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX",
  "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PPTX",
  "application/vnd.oasis.opendocument.text": "ODT",
  "application/vnd.oasis.opendocument.spreadsheet": "ODS",
};

/** "image/webp" → "WEBP": as people call it. */
export const kindOf = (mime: string): string => KINDS[mime] ?? mime.split("/").at(-1)?.split("+")[0]?.toUpperCase() ?? mime;

export function sizeOf(language: Language, bytes: number): string {
  const [kilo, mega] = language === "fr" ? ["ko", "Mo"] : ["kB", "MB"];
  const large = bytes >= 1_000_000;
  const value = large ? bytes / 1_000_000 : Math.max(1, Math.round(bytes / 1000));
  return `${number(language, value, { maximumFractionDigits: large && value < 20 ? 1 : 0 })}\u00a0${large ? mega : kilo}`;
}

/** Why this network would refuse each of the files, in words; an empty list where nothing is wrong. */
export function refusals(files: Facts[], limit: MediaLimit | null, network: string, language: Language): string[][] {
  return files.map((given, place) => {
    const file = given.version ?? given;
    const most = limit?.max_bytes[file.mime];
    if (!limit || place >= limit.max_count) return [t.inbox.fileCount(limit?.max_count ?? 0)];
    if (most === undefined) return [t.inbox.fileKind({ network, kind: kindOf(file.mime) })];
    const wrong: string[] = [];
    if (file.size > most) wrong.push(t.inbox.fileSize({ size: sizeOf(language, file.size), most: sizeOf(language, most) }));
    if (files.length > 1 && limit.alone.includes(file.mime)) wrong.push(t.inbox.fileAlone(kindOf(file.mime)));
    return wrong;
  });
}

/** The rules in one line: "X: 4 files at most. JPEG, PNG up to 5 MB, GIF up to 15 MB." */
export function rules(limit: MediaLimit | null, network: string, language: Language): string {
  if (!limit) return t.inbox.fileCount(0);
  const bySize = new Map<number, Set<string>>();
  for (const [mime, most] of Object.entries(limit.max_bytes)) bySize.set(most, (bySize.get(most) ?? new Set()).add(kindOf(mime)));
  const kinds = [...bySize].map(([most, names]) => t.inbox.fileRuleKinds({ kinds: [...names].join(", "), most: sizeOf(language, most) }));
  return t.inbox.fileRules({ network, most: limit.max_count, kinds: kinds.join(", ") });
}

/** Length of a description as the server counts it. */
export const altLength = (alt: string): number => [...alt].length;
