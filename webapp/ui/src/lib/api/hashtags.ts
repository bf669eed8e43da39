/** Calls of sets of hashtags. */
import { api } from "./client";
import type { HashtagSet, Id, Page } from "./types";

export async function allHashtagSets(): Promise<HashtagSet[]> {
  const items: HashtagSet[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<HashtagSet> = await api.get("/hashtag-sets", { limit: 200, cursor });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}
export const addHashtagSet = (set: Pick<HashtagSet, "brand_id" | "name" | "tags">): Promise<HashtagSet> => api.post("/hashtag-sets", set);
export const changeHashtagSet = (id: Id, change: Pick<HashtagSet, "name" | "tags">): Promise<HashtagSet> => api.patch(`/hashtag-sets/${id}`, change);
export const removeHashtagSet = (id: Id): Promise<void> => api.remove(`/hashtag-sets/${id}`);
