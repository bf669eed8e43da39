/** What rules ask of custom fields, in parts and put together again (guichet/inbox/sought.py). */
import type { CustomField } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";

export type Sign = "is" | "least" | "most" | "more" | "less" | "empty" | "filled";
export interface Term {
  key: string;
  sign: Sign;
  typed: string;
}

/** How each is written between a key and its value; "" where there is no value. */
export const SIGNS: Record<Sign, string> = { is: "=", least: ">=", most: "<=", more: ">", less: "<", empty: "", filled: "" };
const WRITTEN = new Map(Object.entries(SIGNS).map(([sign, written]) => [written, sign as Sign]));

export function termOf(said: string): Term {
  const [, key = "", written = "", typed = ""] = /^([^=<>]*)(>=|<=|[=<>])?(.*)$/su.exec(said) ?? [];
  if (!key.trim()) return { key: "", sign: "is", typed: "" };
  const sign = written ? (written === "=" && !typed ? "empty" : (WRITTEN.get(written) ?? "is")) : "filled";
  return { key: key.trim().toLowerCase(), sign, typed: typed.trim() };
}

/** "" while something lacks. */
export function textOfTerm({ key, sign, typed }: Term): string {
  if (!key) return "";
  if (sign === "empty") return `${key}=`;
  if (sign === "filled") return key;
  return typed.trim() ? `${key}${SIGNS[sign]}${typed.trim()}` : "";
}

/** What can be asked of a field; what is asked already stays. */
export function signsOf(field: CustomField | undefined, asked: Sign): Sign[] {
  const orders = field?.kind === "number" || field?.kind === "date";
  return (Object.keys(SIGNS) as Sign[]).filter((one) => one === asked || orders || !["least", "most", "more", "less"].includes(one));
}

export function sayTerm(said: string): string {
  const { key, sign, typed } = termOf(said);
  const how = t.fields.signs[sign];
  return SIGNS[sign] ? `${key} ${how} ${t.settings.rules.quoted(typed)}` : `${key} ${how}`;
}
