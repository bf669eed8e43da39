/** Calls of the times at which posts did better. */
import { api } from "./client";
import type { Id, PartOfWeek, PastPosts, SuggestedTimes, Times } from "./types";

export const getTimes = (account: Id): Promise<Times> => api.get(`/accounts/${account}/times`);
export const listPostsIn = (account: Id, part: Pick<PartOfWeek, "weekday" | "hour">): Promise<PastPosts> => api.get(`/accounts/${account}/times/posts`, { weekday: part.weekday ?? undefined, hour: part.hour ?? undefined });
export const suggestTimes = (asked: { account_id: Id[]; time_zone: string; post_id?: Id | undefined; not_before?: string | undefined }): Promise<SuggestedTimes> => api.get("/times/suggested", asked);
