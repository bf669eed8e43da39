/** Calls of the figures, and of the waits behind each. */
import { api, type Query } from "./client";
import type { KeptPromises, Page, Publishing, Responses, Wait, WaitsNow } from "./types";

export const waitsNow = (query: Query, signal?: AbortSignal): Promise<WaitsNow> => api.get("/stats/waiting", query, signal);
export const responses = (query: Query, signal?: AbortSignal): Promise<Responses> => api.get("/stats/responses", query, signal);
export const listWaits = (query: Query, signal?: AbortSignal): Promise<Page<Wait>> => api.get("/stats/waits", query, signal);
export const publishing = (query: Query, signal?: AbortSignal): Promise<Publishing> => api.get("/stats/publishing", query, signal);
export const keptPromises = (query: Query, signal?: AbortSignal): Promise<KeptPromises> => api.get("/stats/promises", query, signal);
