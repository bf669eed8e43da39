/** What a network would refuse, by its stable name, in the reader's words. */
import type { Id, Preflight } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";

interface Figures {
  count: number;
  max: number;
  /** Of a mention: the name in the address book, the handle, and what of it the network links. */
  called: string;
  handle: string;
  linked: string;
  why: string;
}
type Said = string | ((figures: Figures) => string);
interface Problem {
  name: string;
  data: Record<string, unknown>;
}

/** One thing that is wrong: with which piece, and with which of its files (null: its text). */
export interface Wrong {
  item: number;
  file: number | null;
  words: string;
}

function inWords(problem: Problem, said: object = t.compose.problems): string {
  const known = (said as Record<string, Said>)[problem.name];
  const text = (name: string): string => String(problem.data[name] ?? "");
  const figures = { count: Number(problem.data["count"] ?? 0), max: Number(problem.data["max"] ?? 0), called: text("called"), handle: text("handle"), linked: text("linked"), why: text("why") };
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

/** What forbids nothing: each thing once for a piece. */
export function worthKnowing(check: Preflight | null, account: Id): Pick<Wrong, "item" | "words">[] {
  const found = check?.accounts.filter((one) => one.account_id === account).flatMap((one) => one.notices) ?? [];
  const said = new Map(found.map((one) => ({ item: one.item, words: inWords(one, t.compose.notices) })).map((one) => [`${one.item} ${one.words}`, one]));
  return [...said.values()];
}
