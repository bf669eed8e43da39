/** Calls of slots: an account's week, what is free of it, and the queue. */
import { api } from "./client";
import type { Id, Opening, Post, SlotWeek, WeekSlot } from "./types";

export const allSlots = async (): Promise<SlotWeek[]> => (await api.get<{ items: SlotWeek[] }>("/slots")).items;
export const setSlots = (account: Id, slots: WeekSlot[]): Promise<SlotWeek> => api.put(`/accounts/${account}/slots`, { slots });
export const listOpenings = async (since: string, until: string): Promise<Opening[]> => (await api.get<{ items: Opening[] }>("/slots/openings", { since, until, free: true })).items;
export const nextSlots = async (account_id: Id[], together: boolean): Promise<Opening[]> => (await api.get<{ items: Opening[] }>("/slots/next", { account_id, together })).items;
export const queuePost = async (id: Id, together: boolean): Promise<Post[]> => (await api.post<{ posts: Post[] }>(`/posts/${id}/queue`, { together })).posts;
