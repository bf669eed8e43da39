/** Calls of templates of posts. */
import { api } from "./client";
import type { FilledTemplate, Id, Page, PostTemplate } from "./types";

type Words = Pick<PostTemplate, "name" | "text" | "variants">;

export async function allTemplates(): Promise<PostTemplate[]> {
  const items: PostTemplate[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<PostTemplate> = await api.get("/post-templates", { limit: 200, cursor });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}
export const addTemplate = (template: Words & Pick<PostTemplate, "brand_id">): Promise<PostTemplate> => api.post("/post-templates", template);
export const changeTemplate = (id: Id, change: Words): Promise<PostTemplate> => api.patch(`/post-templates/${id}`, change);
export const removeTemplate = (id: Id): Promise<void> => api.remove(`/post-templates/${id}`);
export const fillTemplate = (id: Id, values: Record<string, string>): Promise<FilledTemplate> => api.post(`/post-templates/${id}/fill`, { values });
