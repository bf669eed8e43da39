/** Calls of tables of posts: read, checked, brought in, undone. */
import { address, api, upload, type Query } from "./client";
import type { Id, Media, Page, PostImport, PostImportUndone, Table, TableChecked, TableIn, TableNew, Unpacked } from "./types";

export function readTable(file: File, onprogress: (part: number) => void = () => undefined): Promise<Table> {
  const form = new FormData();
  form.set("file", file);
  return upload("/imports/read", form, onprogress);
}
/** Takes the files out of a ZIP that these cells name; without cells, those of the table in it. */
export function unpack(file: File, wanted: string, onprogress: (part: number) => void): Promise<Unpacked> {
  const form = new FormData();
  form.set("wanted", wanted); // before the file, which is long
  form.set("file", file);
  return upload("/imports/unpack", form, onprogress);
}
export const discardFiles = (ids: Id[]): Promise<unknown> => api.post("/imports/discard", { media_ids: ids });
export const checkTable = (table: Partial<TableIn> & Pick<TableIn, "rows">): Promise<TableChecked> => api.post("/imports/check", table, "");
export const bringIn = (table: Partial<TableNew> & Pick<TableNew, "rows" | "how">, key: string): Promise<PostImport> => api.post("/imports", table, key);
export const listImports = (): Promise<Page<PostImport>> => api.get("/imports", { limit: 5 });
export const undoImport = (id: Id): Promise<PostImportUndone> => api.post(`/imports/${id}/undo`);
export const fetchFile = (url: string): Promise<Media> => api.post("/imports/fetch", { url });
export const templateAddress = (form: "csv" | "xlsx"): string => address("/imports/template", { form });
export const exportAddress = (query: Query): string => address("/posts/export", query);
