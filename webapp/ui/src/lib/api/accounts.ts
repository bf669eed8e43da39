/** Calls about outside accounts: networks, connecting, health. */
import { api } from "./client";
import type { Account, AccountHealth, AccountUsage, DeadLetter, Id, Network, Page } from "./types";

export interface Connecting {
  network: string;
  brand_id: Id;
  form: Record<string, string>;
  rehearsal: boolean;
  account_id?: Id | null;
}

export const listNetworks = (): Promise<Page<Network>> => api.get("/networks");
/** Where to send the person for consent; or the account, where typed credentials sufficed. */
export const beginConnecting = (order: Connecting): Promise<{ authorize_url: string | null; account: Account | null }> => api.post("/accounts/connect", order);
/** Compare its timeline with what was sent from here, soon. */
export const seeGap = (id: Id, stream: string): Promise<void> => api.post(`/accounts/${id}/gap/seen`, { stream });
export const compareAccount = (id: Id): Promise<void> => api.post(`/accounts/${id}/compare`);
export const seeDiscrepancy = (id: Id): Promise<void> => api.post(`/discrepancies/${id}/seen`);
export const getHealth = (id: Id): Promise<AccountHealth> => api.get(`/accounts/${id}/health`);
/** What is left of the network's limits, and what was charged. */
export const getUsage = (id: Id): Promise<AccountUsage> => api.get(`/accounts/${id}/usage`);
export const setMonthlyLimit = (id: Id, amount: number | null): Promise<AccountUsage> => api.put(`/accounts/${id}/monthly-limit`, { amount });
export const checkAccount = (id: Id): Promise<Account> => api.post(`/accounts/${id}/check`);
export const disconnectAccount = (id: Id): Promise<Account> => api.post(`/accounts/${id}/disconnect`);
export const changeAccount = (id: Id, change: Partial<Pick<Account, "time_zone" | "min_gap_minutes" | "duplicate_days" | "clash_policy">> & { brand_id?: Id; compares?: boolean }): Promise<Account> => api.patch(`/accounts/${id}`, change);
/** What could not be understood, on every account that one manages. */
export const listDeadLetters = (): Promise<Page<DeadLetter>> => api.get("/dead-letters");
export const replayLetter = (id: Id): Promise<DeadLetter> => api.post(`/dead-letters/${id}/replay`);
