/** What a rule may ask and do, as the server understands it (guichet/triage/rules.py), and how it is said. */
import type { Condition, PromiseStep, RuleAction } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";
import { preferences } from "$lib/preferences.svelte";
import { session } from "$lib/session.svelte";
import { sayTerm, termOf } from "./terms";

export type FieldName = keyof typeof t.settings.rules.fields;
export type ActionKind = keyof typeof t.settings.rules.actions;

interface Asked {
  operators: (keyof typeof t.settings.rules.operators)[];
  /** Fixed values; "free": typed; "account", "network", "label", "custom": what this installation has. */
  values: readonly string[] | "free" | "account" | "network" | "label" | "priority" | "custom";
  /** Asked with numbers: what stands there at first, and the most of each. */
  numbers?: { first: number; least: number; most: number; unit: "times" | "minutes" | "messages" | "followers" }[];
}

export const FIELDS: Record<FieldName, Asked> = {
  text: { operators: ["any_of", "none_of"], values: "free" },
  language: { operators: ["is", "is_not"], values: "free" },
  network: { operators: ["is", "is_not"], values: "network" },
  account: { operators: ["is", "is_not"], values: "account" },
  kind: { operators: ["is", "is_not"], values: ["mention", "reply", "quote", "direct", "mail"] },
  surface: { operators: ["is", "is_not"], values: ["public", "direct", "mail"] },
  customer: { operators: ["is", "is_not"], values: ["vip", "known", "blocked"] },
  hours: { operators: ["is"], values: ["open", "closed"] },
  holds: { operators: ["is", "is_not"], values: ["link", "only_emoji", "only_mentions", "personal"] },
  repeated: {
    operators: ["by_anybody", "by_author"],
    values: "free",
    numbers: [
      { first: 3, least: 2, most: 100, unit: "times" },
      { first: 60, least: 1, most: 1440, unit: "minutes" },
    ],
  },
  conversation_messages: { operators: ["at_least", "at_most"], values: "free", numbers: [{ first: 5, least: 1, most: 10000, unit: "messages" }] },
  customer_messages: { operators: ["at_least", "at_most"], values: "free", numbers: [{ first: 1, least: 1, most: 10000, unit: "messages" }] },
  followers: { operators: ["at_least", "at_most"], values: "free", numbers: [{ first: 10_000, least: 0, most: 1_000_000_000, unit: "followers" }] },
  custom: { operators: ["is", "is_not"], values: "custom" },
  priority: { operators: ["is", "is_not"], values: "priority" },
  label: { operators: ["is", "is_not"], values: "label" },
  state: { operators: ["is", "is_not"], values: ["new", "open", "waiting_customer", "waiting_internal", "snoozed"] },
};
/** What rules ask of a message, and what promises ask of who waits (guichet/promises/rules.py). */
export const OF_RULES: FieldName[] = ["text", "language", "network", "account", "kind", "surface", "customer", "hours", "holds", "repeated", "conversation_messages", "customer_messages", "followers", "custom"];
/** What rules ask besides when they act after a time (guichet/triage/moments.py). */
export const OF_RULES_IN_TIME: FieldName[] = [...OF_RULES, "priority", "label", "state"];
export const OF_PROMISES: FieldName[] = ["priority", "customer", "network", "surface", "account", "label", "language"];
/** What only a message can tell, not who waits. */
const OF_MESSAGES = new Set(["known"]);
/** Kept as numbers. */
const NUMBERED = new Set<FieldName>(["account", "label", "priority", "repeated", "conversation_messages", "customer_messages", "followers"]);
export const ACTIONS: ActionKind[] = ["label", "field", "priority", "team", "assignee", "topic", "spam", "hide", "hold"];
export const ACTIONS_IN_TIME: ActionKind[] = ["tell_assignee", "tell_leads", "tell_staff", "tell_team", "team", "assignee", "topic", "priority", "label", "field", "note", "close", "reopen", "snooze"];
const WITHOUT_VALUE = new Set<ActionKind>(["spam", "hold", "close", "reopen", "tell_assignee", "tell_leads"]);
/** What is typed with an action, and what stands there at first. */
const TYPED: Partial<Record<ActionKind, string>> = { hide: "10", snooze: "1440", note: "", field: "" };
export const LONGEST_SNOOZE = 527_040; // minutes
export const SINCES = ["", "waiting", "customer", "answer", "unassigned", "put_off", "created"] as const;
export type Since = (typeof SINCES)[number];
const UNITS = { days: 1440, hours: 60, minutes: 1 } as const;
export type Unit = keyof typeof UNITS;

/** A span in the largest unit that it is a whole number of. */
export function spanOf(minutes: number): { count: number; unit: Unit } {
  const unit = (Object.keys(UNITS) as Unit[]).find((one) => minutes % UNITS[one] === 0) ?? "minutes";
  return { count: minutes / UNITS[unit], unit };
}
export const minutesOf = (count: number, unit: Unit): number => count * UNITS[unit];
export const mostOf = (unit: Unit): number => Math.floor(LONGEST_SNOOZE / UNITS[unit]);
/** When a rule acts, in words; "" on a message. */
export function sayWhen(rule: { since: Since; after_minutes: number | null; in_hours: boolean }): string {
  if (!rule.since) return "";
  const { count, unit } = spanOf(rule.after_minutes ?? 0);
  const time = new Intl.NumberFormat(preferences.language, { style: "unit", unit: unit.slice(0, -1), unitDisplay: "long" }).format(count);
  return t.settings.rules.afterSaid({ time, since: t.settings.rules.sinceSaid[rule.since], isInHours: rule.in_hours });
}
export const freshAct = (kind: ActionKind): Act => ({ kind, value: TYPED[kind] ?? "" });
/** The most that rules hide in an hour on an account: what stands there at first, and how far it goes. */
export const HIDING = { most: 1000 };
/** By the number that the server gives each. */
export const PRIORITIES = ["low", "normal", "high", "urgent"] as const;

export interface Option {
  value: string;
  name: string;
}

/** What can be chosen for a field of a promise. */
export const optionsOfWaits = (field: FieldName): Option[] => optionsOf(field).filter((one) => !OF_MESSAGES.has(one.value));

/** What can be chosen for a field; empty: it is typed. */
export function optionsOf(field: FieldName): Option[] {
  const { values } = FIELDS[field];
  if (values === "free" || values === "custom") return [];
  if (values === "account") return session.accounts.map((one) => ({ value: String(one.id), name: `${one.handle} (${t.common.networks[one.network] ?? one.network})` }));
  if (values === "label") return session.labels.map((one) => ({ value: String(one.id), name: one.name }));
  if (values === "priority") return byNumber();
  if (values === "network") return [...new Set(session.accounts.map((one) => one.network))].sort().map((one) => ({ value: one, name: t.common.networks[one] ?? one }));
  const names = t.settings.rules.values as Record<string, string>;
  return values.map((one) => ({ value: one, name: names[one] ?? one }));
}

const byNumber = (): Option[] => PRIORITIES.map((one, place) => ({ value: String(place), name: t.inbox.priorities[one] }));

/** What can be chosen for an action; null: it takes no value. */
export function targetsOf(kind: ActionKind): Option[] | null {
  if (WITHOUT_VALUE.has(kind) || kind in TYPED) return null;
  if (kind === "priority") return byNumber();
  const here = session.staff.filter((one) => !one.disabled_at);
  const all: Partial<Record<ActionKind, { id: number; name: string }[]>> = { label: session.labels, team: session.teams, tell_team: session.teams, topic: session.topics, assignee: here, tell_staff: here };
  return (all[kind] ?? []).map((one) => ({ value: String(one.id), name: one.name }));
}

/** A condition while it is edited: every value a text. */
export interface Row {
  field: FieldName;
  operator: string;
  values: string[];
}
export interface Act {
  kind: ActionKind;
  value: string;
}

const known = (field: string): field is FieldName => field in FIELDS;

export function rowOf(condition: Condition): Row {
  const given = condition.value;
  const values = Array.isArray(given) ? given.map(String) : given === null || given === undefined ? [] : [String(given)];
  return { field: known(condition.field) ? condition.field : "text", operator: condition.operator, values };
}
export function conditionOf(row: Row): Condition {
  return { field: row.field, operator: row.operator, value: NUMBERED.has(row.field) ? row.values.map(Number) : [...row.values] };
}
export function actOf(action: RuleAction): Act {
  return { kind: action.kind as ActionKind, value: action.value === null || action.value === undefined ? "" : String(action.value) };
}
export function actionOf(act: Act): RuleAction {
  if (WITHOUT_VALUE.has(act.kind)) return { kind: act.kind, value: null };
  return { kind: act.kind, value: act.kind === "note" || act.kind === "field" ? act.value : Number(act.value) };
}
/** What a promise's step does with whom. */
export const STEP_ACTS = ["tell_assignee", "tell_leads", "tell_staff", "tell_team", "priority", "team"] as const;
export type StepAct = (typeof STEP_ACTS)[number];

/** What can be chosen for a step's act; null: it takes no value. */
export function stepTargets(kind: string): Option[] | null {
  if (kind === "tell_assignee" || kind === "tell_leads") return null;
  return targetsOf(kind === "tell_staff" ? "assignee" : kind === "priority" ? "priority" : "team");
}
export function sayStep(step: PromiseStep): string {
  const words = t.settings.promises;
  const acts = step.actions.map((act) => {
    const target = stepTargets(act.kind)?.find((one) => one.value === String(act.value));
    const name = (words.acts as Record<string, string>)[act.kind] ?? act.kind;
    return stepTargets(act.kind) ? `${name} ${target?.name ?? t.settings.rules.goneTarget}` : name;
  });
  return words.stepSaid({ percent: step.percent, of: words.ofs[step.of], acts: acts.join(", ") });
}

/** Nothing is left empty. */
export const isAsked = (rows: Row[]): boolean => rows.every((row) => row.values.length > 0 && row.values.every((value) => value !== ""));
export const isWhole = (rows: Row[], acts: Act[]): boolean => isAsked(rows) && acts.length > 0 && acts.every((act) => WITHOUT_VALUE.has(act.kind) || act.value.trim() !== "");

export function sayCondition(condition: Condition): string {
  const row = rowOf(condition);
  const options = optionsOf(row.field);
  const values = row.values.map((value) => options.find((one) => one.value === value)?.name ?? (row.field === "text" ? t.settings.rules.quoted(value) : value));
  if (row.field === "repeated") return t.settings.rules.repeatedSaid({ times: values[0] ?? "", minutes: values[1] ?? "", isAuthors: row.operator === "by_author" });
  if (row.field === "custom") return t.fields.customSaid({ terms: row.values.map(sayTerm).join(t.settings.rules.or), isNot: row.operator === "is_not" });
  const operator = (t.settings.rules.operators as Record<string, string>)[row.operator] ?? row.operator;
  return `${t.settings.rules.fields[row.field]} ${operator} ${values.join(t.settings.rules.or)}`;
}
export function sayAction(action: RuleAction): string {
  const act = actOf(action);
  if (act.kind === "hide") return t.settings.rules.hideSaid(act.value);
  if (act.kind === "snooze") return t.settings.rules.snoozeSaid(act.value);
  if (act.kind === "note") return t.settings.rules.noteSaid(act.value);
  if (act.kind === "field") return t.fields.fillSaid({ key: termOf(act.value).key, value: termOf(act.value).typed });
  const target = targetsOf(act.kind)?.find((one) => one.value === act.value)?.name;
  return WITHOUT_VALUE.has(act.kind) ? t.settings.rules.actions[act.kind] : `${t.settings.rules.actions[act.kind]} ${target ?? t.settings.rules.goneTarget}`;
}
