/** The actions of a macro in words, and what each may be set to (guichet/triage/macro_rules.py). */
import type { MacroAction } from "./api/types";
import { t } from "./i18n/index.svelte";
import { session } from "./session.svelte";

export type MacroKind = MacroAction["kind"];
export const KINDS: MacroKind[] = ["reply", "note", "label", "unlabel", "priority", "team", "assignee", "topic", "status", "snooze"];
const PRIORITIES = ["low", "normal", "high", "urgent"] as const;
const STATUSES = ["open", "waiting_internal", "answered", "not_needed", "spam"] as const;
const HOURS = [1, 2, 4, 24, 48, 72, 168, 336, 0];

export interface MacroOption {
  value: string;
  name: string;
}

/** Whether the action holds a text, which is typed. */
export const isText = (kind: MacroKind): boolean => kind === "reply" || kind === "note";

/** What an action can be set to; empty for a text. */
export function optionsOf(kind: MacroKind): MacroOption[] {
  const named = (rows: { id: number; name: string }[]): MacroOption[] => rows.map((one) => ({ value: String(one.id), name: one.name }));
  switch (kind) {
    case "label":
    case "unlabel":
      return named(session.labels);
    case "team":
      return named(session.teams);
    case "topic":
      return named(session.topics);
    case "assignee":
      return [{ value: "0", name: t.macros.whoever }, ...named(session.staff.filter((one) => !one.disabled_at))];
    case "priority":
      return PRIORITIES.map((one, place) => ({ value: String(place), name: t.inbox.priorities[one] }));
    case "status":
      return STATUSES.map((one) => ({ value: one, name: t.macros.statuses[one] }));
    case "snooze":
      return HOURS.map((one) => ({ value: String(one), name: one ? t.macros.hours(one) : t.inbox.snoozes.message }));
    default:
      return [];
  }
}

/** An action while it is edited: every value a text. */
export interface Act {
  kind: MacroKind;
  value: string;
}
export const actOf = (action: MacroAction): Act => ({ kind: action.kind, value: String(action.value) });
export const actionOf = (act: Act): MacroAction => ({ kind: act.kind, value: isText(act.kind) || act.kind === "status" ? act.value : Number(act.value) });

/** "Label: refund", "Snooze: 2 hours"; what is gone is named as unknown. */
export function sayAction(action: MacroAction): string {
  const { kind, value } = actOf(action);
  if (isText(kind)) return t.macros.kinds[kind];
  const option = optionsOf(kind).find((one) => one.value === value);
  const name = option?.name ?? (kind === "snooze" ? t.macros.hours(Number(value)) : t.macros.gone);
  return `${t.macros.kinds[kind]}${t.macros.colon} ${name}`;
}
