/** Calls of macros: kept, previewed, applied, undone. */
import { api } from "./client";
import type { Id, Macro, MacroAction, MacroResult, MacroTrial, MacroUndone, Page } from "./types";

export interface MacroNew {
  name: string;
  actions: MacroAction[];
  own: boolean;
  team_id: Id | null;
  brand_id: Id | null;
}

export const allMacros = async (): Promise<Macro[]> => (await api.get<Page<Macro>>("/macros")).items;
export const addMacro = (macro: MacroNew): Promise<Macro> => api.post("/macros", macro);
export const changeMacro = (id: Id, change: Pick<MacroNew, "name" | "actions">): Promise<Macro> => api.patch(`/macros/${id}`, change);
export const removeMacro = (id: Id): Promise<void> => api.remove(`/macros/${id}`);
export const orderMacros = (ids: Id[]): Promise<Page<Macro>> => api.post("/macros/order", { ids });
/** At most 100 conversations at once. */
export const previewMacro = async (id: Id, conversation_ids: Id[]): Promise<MacroTrial[]> => (await api.post<{ items: MacroTrial[] }>(`/macros/${id}/preview`, { conversation_ids })).items;
export const applyMacro = async (id: Id, conversation_ids: Id[]): Promise<MacroResult[]> => (await api.post<{ items: MacroResult[] }>(`/macros/${id}/apply`, { conversation_ids })).items;
export const undoMacro = (conversation_id: Id, event_id: Id): Promise<MacroUndone> => api.post("/macros/undo", { conversation_id, event_id });
