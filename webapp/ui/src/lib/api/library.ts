/** Calls of the media library: found again, described, shared, taken away. */
import { api, type Query } from "./client";
import type { Id, LibraryFile, MediaUses, Page } from "./types";

export const listFiles = (query: Query, signal?: AbortSignal): Promise<Page<LibraryFile>> => api.get("/media", query, signal);
export const getFile = (id: Id): Promise<LibraryFile> => api.get(`/media/${id}`);
export const getUses = (id: Id): Promise<MediaUses> => api.get(`/media/${id}/uses`);
export const changeFile = (id: Id, change: { alt?: string; brand_id?: Id | 0 }): Promise<LibraryFile> => api.patch(`/media/${id}`, change);
export const removeFile = (id: Id): Promise<void> => api.remove(`/media/${id}`);
