/** Calls of custom fields: what there is to fill in, and what stands there. */
import { api } from "./client";
import type { CustomField, CustomFieldNew, FilledField, Id, Page } from "./types";

export type FieldValue = FilledField["value"];
export type FieldWords = Pick<CustomField, "name" | "mask" | "least" | "most" | "choices" | "required">;

export async function allFields(): Promise<CustomField[]> {
  const items: CustomField[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<CustomField> = await api.get("/fields", { limit: 200, cursor });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}
export const addField = (field: CustomFieldNew): Promise<CustomField> => api.post("/fields", field);
export const changeField = (id: Id, change: Partial<FieldWords> & { archived?: boolean; place?: number }): Promise<CustomField> => api.patch(`/fields/${id}`, change);

type Values = Record<string, FieldValue>;
export const fillIn = async (subject: FilledField["subject"], id: Id, values: Values): Promise<FilledField[]> =>
  (await api.put<{ fields: FilledField[] }>(`/${subject}s/${id}/fields`, { values })).fields;
