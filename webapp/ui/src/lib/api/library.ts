/** Calls of the media library: found again, described, shared, taken away. */
import { api, type Query } from "./client";
import type { Id, LibraryFile, MediaUses, Page, Rendition } from "./types";

export const listFiles = (query: Query, signal?: AbortSignal): Promise<Page<LibraryFile>> => api.get("/media", query, signal);
export const getFile = (id: Id): Promise<LibraryFile> => api.get(`/media/${id}`);
export const getUses = (id: Id): Promise<MediaUses> => api.get(`/media/${id}/uses`);
export const changeFile = (id: Id, change: { alt?: string; brand_id?: Id | 0 }): Promise<LibraryFile> => api.patch(`/media/${id}`, change);
/** Makes of a picture what these accounts take where they would refuse it. */
export const makeRenditions = (id: Id, accounts: Id[]): Promise<{ items: Rendition[] }> => api.post(`/media/${id}/renditions`, { account_ids: accounts }, "");
export const removeFile = (id: Id): Promise<void> => api.remove(`/media/${id}`);
