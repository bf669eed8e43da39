/** What a network would refuse, by its stable name, in the reader's words. */
import type { Id, Preflight } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";

type Said = string | ((figures: { count: number; max: number }) => string);

/** One thing that is wrong: with which piece, and with which of its files (null: its text). */
export interface Wrong {
  item: number;
  file: number | null;
  words: string;
}

function inWords(problem: { name: string; data: Record<string, unknown> }): string {
  const known = (t.compose.problems as unknown as Record<string, Said>)[problem.name];
  const figures = { count: Number(problem.data["count"] ?? 0), max: Number(problem.data["max"] ?? 0) };
  if (typeof known === "function" && problem.name !== "other") return known(figures);
  return typeof known === "string" ? known : t.compose.problems.other(problem.name.replaceAll("_", " "));
}

/** `began`: somebody has begun to write; before that an empty post is no fault. */
export function wrongWith(check: Preflight | null, account: Id, began: boolean): Wrong[] {
  const found = check?.accounts.filter((one) => one.account_id === account).flatMap((one) => one.problems) ?? [];
  return found
    .filter((problem) => problem.name !== "empty" || problem.item > 0 || began)
    .map((problem) => ({ item: problem.item, file: typeof problem.data["index"] === "number" ? problem.data["index"] : null, words: inWords(problem) }));
}
