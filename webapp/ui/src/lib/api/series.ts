/** Calls of posts that repeat. */
import { api } from "./client";
import type { Id, PostChange, PostSchedule, Recurrence, Series } from "./types";

export type At = Partial<PostSchedule> & Pick<PostSchedule, "wall_time" | "time_zone">;
export const previewRecurrence = (at: At & { rule: string; account_id: Id[] }): Promise<Recurrence> => api.post("/recurrences/preview", at);
export const repeatPost = (id: Id, at: At & { rule: string; for_approval: boolean }): Promise<Series> => api.post(`/posts/${id}/repeat`, at);
export const getSeries = (id: Id): Promise<Series> => api.get(`/posts/${id}/series`);
export const changeFollowing = (id: Id, change: Partial<PostChange> & Pick<PostChange, "version">): Promise<Series> => api.patch(`/posts/${id}/following`, change);
export const moveFollowing = (id: Id, at: At): Promise<Series> => api.post(`/posts/${id}/following/reschedule`, at);
export const cancelFollowing = (id: Id): Promise<Series> => api.post(`/posts/${id}/following/cancel`);
