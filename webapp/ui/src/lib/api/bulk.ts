/** Calls of one answer to many. */
import { api } from "./client";
import type { BulkReply, BulkRow, Id, Page } from "./types";

const at = (id: Id, rest = ""): string => `/bulk-replies/${id}${rest}`;

export const listBulks = (): Promise<Page<BulkReply>> => api.get("/bulk-replies");
export const beginBulk = (to: { conversation_ids: Id[] } | { filters: Record<string, unknown> }): Promise<BulkReply> => api.post("/bulk-replies", to);
export const getBulk = (id: Id): Promise<BulkReply> => api.get(at(id));
export const changeBulk = (id: Id, changes: { variants?: string[]; pace?: number; close?: boolean }): Promise<BulkReply> => api.patch(at(id), changes);
export const changeBulkRow = (id: Id, row: Id, changes: { text: string | null; out: boolean }): Promise<BulkRow> => api.patch(at(id, `/rows/${row}`), changes);
export const lookAgain = (id: Id): Promise<BulkReply> => api.post(at(id, "/look"));
export const sendBulk = (id: Id, version: number, undo_seconds: number): Promise<BulkReply> => api.post(at(id, "/send"), { version, undo_seconds });
export const stopBulk = (id: Id): Promise<BulkReply> => api.post(at(id, "/stop"));
export const discardBulk = (id: Id): Promise<void> => api.remove(at(id));

/** All rows, of at most 500 conversations. */
export async function listBulkRows(id: Id): Promise<BulkRow[]> {
  const rows: BulkRow[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<BulkRow> = await api.get(at(id, "/rows"), { cursor, limit: 200 });
    rows.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return rows;
}
