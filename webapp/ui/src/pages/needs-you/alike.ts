/** Deliveries that need a person, as groups of what is alike: one account, one reason, the same evidence. */
import type { AccountBrief, Doubt } from "$lib/api/types";

export interface Candidate {
  remote_id: string;
  url: string;
}
export interface Alike {
  key: string;
  account: AccountBrief;
  isStopped: boolean;
  text: string;
  /** What looking on the network gave, and how often. */
  looks: { what: string; times: number }[];
  items: Doubt[];
}

export const SEVERAL = new Set(["unknown_delivery", "stopped_delivery"]);

const looksOf = (one: Doubt): { what: string; times: number }[] => {
  const counted = new Map<string, number>();
  for (const look of one.evidence) if (typeof look["what"] === "string") counted.set(look["what"], (counted.get(look["what"]) ?? 0) + 1);
  return [...counted].map(([what, times]) => ({ what, times }));
};

/** What stands on the network and may be it. */
export function candidatesOf(one: Doubt): Candidate[] {
  const found = one.evidence.flatMap((look) => (Array.isArray(look["candidates"]) ? (look["candidates"] as Partial<Candidate>[]) : []));
  return [...new Map(found.map((each) => [each.remote_id ?? "", { remote_id: each.remote_id ?? "", url: each.url ?? "" }])).values()].filter((each) => each.remote_id);
}

export function alikes(doubts: Doubt[]): Alike[] {
  const groups = new Map<string, Alike>();
  for (const one of doubts) {
    const account = one.account ?? one.delivery?.account;
    if (!SEVERAL.has(one.kind) || !one.delivery || !account) continue;
    const looks = looksOf(one);
    const key = JSON.stringify([one.kind, account.id, one.text, looks]);
    const group = groups.get(key) ?? { key, account, isStopped: one.kind === "stopped_delivery", text: one.text, looks, items: [] };
    group.items.push(one);
    groups.set(key, group);
  }
  return [...groups.values()];
}
