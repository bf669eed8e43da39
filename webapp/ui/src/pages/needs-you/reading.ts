/** What a post says where somebody is asked about it: each wording once, with its accounts. */
import type { AccountBrief, PostToDecide } from "$lib/api/types";
import { merged, readPost, shownOf, type Whole } from "../compose/pieces";

export interface Wording {
  accounts: AccountBrief[];
  whole: Whole;
  /** Those of the accounts whose network is given the cards of links. */
  given: AccountBrief[];
}

const alike = (whole: Whole): string => JSON.stringify([whole.pieces.map((piece) => [piece.text, piece.media.map((file) => shownOf(whole, file)), piece.card]), whole.comment]);

export function wordingsOf({ post, accounts }: PostToDecide): Wording[] {
  const { common, own } = readPost(post);
  const found = new Map<string, Wording>();
  for (const account of accounts) {
    const whole = merged(common, own[account.id]);
    const key = alike(whole);
    const there = found.get(key);
    const one = there ?? { accounts: [], whole, given: [] };
    one.accounts.push(account);
    if (post.variants.some((variant) => variant.account_id === account.id && variant.gives_cards)) one.given.push(account);
    found.set(key, one);
  }
  return [...found.values()];
}
