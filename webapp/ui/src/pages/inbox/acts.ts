/**
 * What an agent does with conversations, one or many: shown at once, told to the server, taken
 * back with its reason when refused, and undone with one key where that is possible.
 */
import * as conversations from "$lib/api/conversations";
import { ApiError } from "$lib/api/client";
import type { Conversation, ConversationRow, Id, Label } from "$lib/api/types";
import { explain } from "$lib/explain";
import { t } from "$lib/i18n/index.svelte";
import { session } from "$lib/session.svelte";
import { tell } from "$lib/toasts.svelte";
import { box } from "./box.svelte";
import { talk } from "./talk.svelte";

function put(row: ConversationRow): void {
  box.put(row);
  talk.merge(row);
}

/** Runs one change for every row, then says how it went; `undo` takes it back for those that worked. */
async function each(
  rows: ConversationRow[],
  run: (row: ConversationRow) => Promise<ConversationRow>,
  said: { one?: (name: string) => string; undo?: (row: ConversationRow) => Promise<ConversationRow> } = {},
): Promise<boolean> {
  const done: ConversationRow[] = [];
  let failure: unknown = null;
  for (const row of rows) {
    try {
      put(await run(row));
      done.push(row);
    } catch (error) {
      failure = error;
      if (error instanceof ApiError && error.status === 409) void box.read({ quiet: true });
    }
  }
  const { undo } = said;
  const act = undo && done.length ? { name: t.common.undo, run: () => void each(done, undo).then(() => box.read({ quiet: true })) } : null;
  if (failure && rows.length > 1) tell(`${t.inbox.bulkPartly(done.length, rows.length - done.length)} ${explain(failure)}`, { tone: "late", act });
  else if (failure) tell(explain(failure), { tone: "late" });
  else if (rows.length > 1) tell(t.inbox.bulkDone(done.length), { act });
  else if (said.one && done[0]) tell(said.one(done[0].customer.name), { act });
  box.selected = new Set();
  return !failure;
}

const mine = (row: ConversationRow): boolean => row.assignee?.id === session.me?.id;

/** Claims; where all of them are already one's own, lets go. */
export function claimOrRelease(rows: ConversationRow[]): Promise<boolean> {
  return rows.every(mine) ? each(rows, (row) => conversations.release(row.id)) : each(rows.filter((row) => !mine(row)), (row) => conversations.claim(row.id));
}

/** `to` is "staff:3", "team:2" or "nobody". */
export function assign(rows: ConversationRow[], to: string): Promise<boolean> {
  const [kind, id] = to.split(":");
  const order = kind === "staff" ? { staff_id: Number(id) } : kind === "team" ? { team_id: Number(id) } : {};
  return each(rows, (row) => conversations.assign(row.id, order), {
    undo: (row) => conversations.assign(row.id, { staff_id: row.assignee?.id ?? null, team_id: row.team?.id ?? null }),
  });
}

export function snooze(rows: ConversationRow[], until: Date): Promise<boolean> {
  return each(rows, (row) => conversations.snooze(row.id, until.toISOString()), {
    one: t.inbox.snoozedToast,
    undo: (row) => conversations.reopen(row.id),
  });
}

export function close(rows: ConversationRow[], outcome: "answered" | "not_needed"): Promise<boolean> {
  return each(rows, (row) => conversations.resolve(row.id, row.waiting_since ? outcome : null), {
    one: t.inbox.closedToast,
    undo: (row) => conversations.reopen(row.id),
  });
}

export function reopen(rows: ConversationRow[]): Promise<boolean> {
  return each(rows, (row) => conversations.reopen(row.id));
}

export function markSpam(rows: ConversationRow[]): Promise<boolean> {
  return each(rows, (row) => conversations.markSpam(row.id), { one: t.inbox.spamToast, undo: (row) => conversations.reopen(row.id) });
}

/** Adds the label where any of the rows lacks it, else removes it from all. */
export function toggleLabel(rows: ConversationRow[], id: Id): Promise<boolean> {
  const has = (row: ConversationRow): boolean => row.labels.some((label) => label.id === id);
  const add = rows.some((row) => !has(row));
  const ids = (row: ConversationRow): Id[] => {
    const kept = row.labels.map((label) => label.id).filter((one) => one !== id);
    return add ? [...kept, id] : kept;
  };
  const label = session.labels.find((one) => one.id === id);
  if (label) rows.forEach((row) => put({ ...row, labels: withLabel(row.labels, label, add) }));
  return each(rows, (row) => conversations.setLabels(row.id, ids(row)));
}

function withLabel(labels: Label[], label: Label, add: boolean): Label[] {
  const rest = labels.filter((one) => one.id !== label.id);
  return add ? [...rest, label] : rest;
}

export function setPriority(rows: ConversationRow[], priority: Conversation["priority"]): Promise<boolean> {
  return each(rows, (row) => conversations.setPriority(row.id, priority));
}

/** When a snooze of each kind ends, from `now`, in the person's own day. */
export function snoozeChoices(now: Date): { id: keyof typeof t.inbox.snoozes; until: Date }[] {
  const at = (days: number, hour: number): Date => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
  const choices: { id: keyof typeof t.inbox.snoozes; until: Date }[] = [{ id: "hour", until: new Date(now.getTime() + 3_600_000) }];
  if (now.getHours() < 13) choices.push({ id: "afternoon", until: at(0, 14) });
  choices.push({ id: "tomorrow", until: at(1, 9) });
  choices.push({ id: "monday", until: at(((8 - now.getDay()) % 7) || 7, 9) });
  return choices;
}
