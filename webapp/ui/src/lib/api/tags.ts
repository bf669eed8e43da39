/** Calls of labels and campaigns of posts. */
import { api } from "./client";
import type { Id, Page, PostTag } from "./types";

export async function allTags(): Promise<PostTag[]> {
  const items: PostTag[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<PostTag> = await api.get("/post-tags", { limit: 200, cursor });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}
export const addTag = (tag: Pick<PostTag, "brand_id" | "kind" | "name" | "colour">): Promise<PostTag> => api.post("/post-tags", tag);
export const changeTag = (id: Id, change: Pick<PostTag, "name" | "colour">): Promise<PostTag> => api.patch(`/post-tags/${id}`, change);
export const removeTag = (id: Id): Promise<void> => api.remove(`/post-tags/${id}`);
export const tagPosts = (post_ids: Id[], change: { add?: Id[]; remove?: Id[] }): Promise<{ posts: number }> => api.post("/posts/tags", { post_ids, ...change });
