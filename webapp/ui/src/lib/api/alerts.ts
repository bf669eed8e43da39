/** Calls about alerts: what is called for, who sees to it, and how that is set up. */
import { api } from "./client";
import type { Alert, AlertHook, AlertHookMade, AlertPolicy, AlertWhole, Id, Page } from "./types";

type Change = Record<string, unknown>;

export const listAlerts = (cursor: string | null, open = false): Promise<Page<Alert>> => api.get("/alerts", { cursor, limit: 30, ...(open ? { open: "true" } : {}) });
export const getAlert = (id: Id): Promise<AlertWhole> => api.get(`/alerts/${id}`);
export const acknowledgeAlert = (id: Id): Promise<Alert> => api.post(`/alerts/${id}/acknowledge`);

export const allAlertPolicies = async (): Promise<AlertPolicy[]> => (await api.get<Page<AlertPolicy>>("/alert-policies")).items;
export const addAlertPolicy = (policy: Change): Promise<AlertPolicy> => api.post("/alert-policies", policy);
export const changeAlertPolicy = (id: Id, change: Change): Promise<AlertPolicy> => api.patch(`/alert-policies/${id}`, change);
export const removeAlertPolicy = (id: Id): Promise<void> => api.remove(`/alert-policies/${id}`);
export const allAlertHooks = async (): Promise<AlertHook[]> => (await api.get<Page<AlertHook>>("/alert-hooks")).items;
export const addAlertHook = (hook: Change): Promise<AlertHookMade> => api.post("/alert-hooks", hook);
export const removeAlertHook = (id: Id): Promise<void> => api.remove(`/alert-hooks/${id}`);
