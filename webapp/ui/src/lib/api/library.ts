/** Calls of the media library: found again, described, shared, taken away. */
import { api, type Query } from "./client";
import type { FrameIn, Id, LibraryFile, MadeOfFile, MediaUses, Page, Renditions } from "./types";

export const listFiles = (query: Query, signal?: AbortSignal): Promise<Page<LibraryFile>> => api.get("/media", query, signal);
export const getFile = (id: Id): Promise<LibraryFile> => api.get(`/media/${id}`);
export const listRenditions = (id: Id): Promise<MadeOfFile> => api.get(`/media/${id}/renditions`);
export const cancelFilm = (id: Id, rendition: Id): Promise<MadeOfFile> => api.post(`/media/${id}/renditions/${rendition}/cancel`, {});
export const retryFilm = (id: Id, rendition: Id): Promise<MadeOfFile> => api.post(`/media/${id}/renditions/${rendition}/retry`, {});
export const getUses = (id: Id): Promise<MediaUses> => api.get(`/media/${id}/uses`);
export const changeFile = (id: Id, change: { alt?: string; brand_id?: Id | 0 }): Promise<LibraryFile> => api.patch(`/media/${id}`, change);
/** Makes of a picture what `frame` shows of it, and what these accounts take where they would refuse it. */
export const makeRenditions = (id: Id, accounts: Id[], frame: FrameIn | null = null): Promise<Renditions> =>
  api.post(`/media/${id}/renditions`, { account_ids: accounts, frame }, "");
/** Keeps what is cut out as a file of its own. */
export const cutFile = (id: Id, frame: FrameIn): Promise<LibraryFile> => api.post(`/media/${id}/cut`, frame);
export const removeFile = (id: Id): Promise<void> => api.remove(`/media/${id}`);
