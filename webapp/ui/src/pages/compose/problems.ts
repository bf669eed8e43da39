/** What a network would refuse, by its stable name, in the reader's words. */
import type { Id, Preflight } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";

type Said = string | ((figures: { count: number; max: number }) => string);

function inWords(problem: { name: string; data: Record<string, unknown> }): string {
  const known = (t.compose.problems as unknown as Record<string, Said>)[problem.name];
  const figures = { count: Number(problem.data["count"] ?? 0), max: Number(problem.data["max"] ?? 0) };
  if (typeof known === "function" && problem.name !== "other") return known(figures);
  return typeof known === "string" ? known : t.compose.problems.other(problem.name.replaceAll("_", " "));
}

export function problemsOf(check: Preflight | null, account: Id): string[] {
  const found = check?.accounts.filter((one) => one.account_id === account).flatMap((one) => one.problems) ?? [];
  // An empty text is no fault while somebody has not begun to write.
  return [...new Set(found.filter((problem) => problem.name !== "empty").map(inWords))];
}
