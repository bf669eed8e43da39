/** What a post says where somebody is asked about it: each wording once, with its accounts. */
import type { AccountBrief, PostToDecide } from "$lib/api/types";
import { merged, readPost, shownOf, type Whole } from "../compose/pieces";

export interface Wording {
  accounts: AccountBrief[];
  whole: Whole;
}

const alike = (whole: Whole): string => JSON.stringify([whole.pieces.map((piece) => [piece.text, piece.media.map((file) => shownOf(whole, file))]), whole.comment]);

export function wordingsOf({ post, accounts }: PostToDecide): Wording[] {
  const { common, own } = readPost(post);
  const found = new Map<string, Wording>();
  for (const account of accounts) {
    const whole = merged(common, own[account.id]);
    const key = alike(whole);
    const there = found.get(key);
    if (there) there.accounts.push(account);
    else found.set(key, { accounts: [account], whole });
  }
  return [...found.values()];
}
