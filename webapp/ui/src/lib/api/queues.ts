/** Calls of queues: posts that go out again and again. */
import { api } from "./client";
import type { EvergreenLimits, EvergreenQueue, EvergreenView, Id } from "./types";

export type QueueSetting = Pick<EvergreenQueue, "name" | "label" | "week" | "ordering" | "rest_days" | "horizon_days"> & { account_ids: Id[] };

export const allQueues = async (brand_id?: Id): Promise<EvergreenQueue[]> => (await api.get<{ items: EvergreenQueue[] }>("/evergreen-queues", brand_id === undefined ? {} : { brand_id })).items;
export const getQueue = (id: Id): Promise<EvergreenView> => api.get(`/evergreen-queues/${id}`);
export const addQueue = (brand_id: Id, setting: QueueSetting): Promise<EvergreenQueue> => api.post("/evergreen-queues", { brand_id, ...setting });
export const changeQueue = (id: Id, change: Partial<QueueSetting> & { is_paused?: boolean }): Promise<EvergreenView> => api.patch(`/evergreen-queues/${id}`, change);
export const removeQueue = (id: Id): Promise<void> => api.remove(`/evergreen-queues/${id}`);
export const addToQueue = (id: Id, post_id: Id): Promise<EvergreenView> => api.post(`/evergreen-queues/${id}/items`, { post_id });
export const orderQueue = (id: Id, item_ids: Id[]): Promise<EvergreenView> => api.put(`/evergreen-queues/${id}/order`, { item_ids });
export const limitItem = (id: Id, limits: EvergreenLimits): Promise<EvergreenView> => api.put(`/evergreen-items/${id}`, limits);
export const removeItem = (id: Id): Promise<EvergreenView> => api.remove(`/evergreen-items/${id}`);
export const takeItemOver = (id: Id): Promise<EvergreenView> => api.post(`/evergreen-items/${id}/take-over`);
export const addWording = (id: Id, text: string): Promise<EvergreenView> => api.post(`/evergreen-items/${id}/wordings`, { text });
export const removeWording = (id: Id, post_id: Id): Promise<EvergreenView> => api.remove(`/evergreen-items/${id}/wordings/${post_id}`);
