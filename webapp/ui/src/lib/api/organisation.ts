/** Calls about who is here, which accounts there are, and the brake. */
import { api } from "./client";
import type { Account, Brake, BrakeOne, BrakeOrder, Brand, Me, Page, Presence, Staff, Stopped, Team } from "./types";

export const getMe = (): Promise<Me> => api.get("/me");
export const setPresence = (presence: Presence): Promise<Me> => api.patch("/me", { presence });
export const setMyLanguage = (language: "en" | "fr"): Promise<Me> => api.patch("/me", { language });
export const signOut = (): Promise<void> => api.post("/me/sign-out");

export const listAccounts = (): Promise<Page<Account>> => api.get("/accounts");
export const listBrands = (): Promise<Page<Brand>> => api.get("/brands");
export const listStaff = (): Promise<Page<Staff>> => api.get("/staff");
export const listTeams = (): Promise<Page<Team>> => api.get("/teams");

export const getBrake = (): Promise<Brake> => api.get("/brake");
export const listStopped = (brake: Pick<BrakeOne, "scope" | "scope_id">): Promise<Stopped> => api.get("/brake/stopped", { scope: brake.scope, scope_id: brake.scope_id });
export const setBrake = (order: Partial<BrakeOrder> & Pick<BrakeOrder, "on">): Promise<Brake> => api.post("/brake", order);
