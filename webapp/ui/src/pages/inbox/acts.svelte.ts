/**
 * What an agent does with conversations, one or many: shown at once, told to the server, taken
 * back where it was refused with the reason in its place, and undone with one key where that
 * is possible.
 */
import * as conversations from "$lib/api/conversations";
import { ApiError } from "$lib/api/client";
import type { ConversationRow, Id, Label, Priority } from "$lib/api/types";
import { explain } from "$lib/explain";
import { t } from "$lib/i18n/index.svelte";
import { session } from "$lib/session.svelte";
import { tell } from "$lib/toasts.svelte";
import { box } from "./box.svelte";
import { gate, isLacking } from "./gate.svelte";
import { talk } from "./talk.svelte";

type Run = (row: ConversationRow) => Promise<ConversationRow>;
interface Said {
  /** How the row will stand if nothing goes wrong: shown before the server has answered. */
  expect?: (row: ConversationRow) => Partial<ConversationRow>;
  one?: (name: string) => string;
  undo?: Run;
  /** The same once more, after what was lacking is filled in. */
  again?: () => Promise<boolean>;
}

function put(row: ConversationRow): void {
  box.put(row);
  talk.merge(row);
}

/** Runs one change for every row, then says how it went; `undo` takes it back for those that worked. */
async function each(rows: ConversationRow[], run: Run, { expect, one, undo, again }: Said = {}): Promise<boolean> {
  const before = rows.map((row) => $state.snapshot(row) as ConversationRow);
  const done: ConversationRow[] = [];
  let refused = 0;
  let lacking: ApiError | null = null;
  if (expect) before.forEach((row) => put({ ...row, ...expect(row) }));
  for (const row of before) {
    box.forgive(row.id);
    try {
      put(await run(row));
      done.push(row);
    } catch (error) {
      refused += 1;
      if (expect) put(row);
      box.blame(row.id, explain(error));
      if (isLacking(error)) lacking = error;
      if (error instanceof ApiError && error.status === 409) void box.read({ quiet: true });
    }
  }
  const act = undo && done.length ? { name: t.common.undo, run: () => void each(done, undo).then(() => box.read({ quiet: true })) } : null;
  if (refused && rows.length > 1) tell(t.inbox.bulkPartly(done.length, refused), { tone: "late", act });
  else if (!refused && rows.length > 1) tell(t.inbox.bulkDone(done.length), { act });
  else if (one && done[0]) tell(one(done[0].customer.name), { act });
  box.selected = new Set();
  // Of many, those are left out that lack something, each with its reason; for one, it is asked for.
  const only = before.length === 1 ? before[0] : undefined;
  if (lacking && again && only) return gate.ask(lacking, only.id, only.customer.name, again);
  return !refused;
}

const isMine = (row: ConversationRow): boolean => row.assignee?.id === session.me?.id;

/** Claims those that are not one's own already. */
export function claim(rows: ConversationRow[]): Promise<boolean> {
  const { me } = session;
  const others = rows.filter((row) => !isMine(row));
  if (!others.length && rows.length) tell(t.inbox.yoursAlready);
  return each(others, (row) => conversations.claim(row.id), {
    ...(me && { expect: (row) => (row.assignee ? {} : { assignee: me }) }),
    one: t.inbox.claimedToast,
    undo: (row) => conversations.release(row.id),
  });
}

export function release(rows: ConversationRow[]): Promise<boolean> {
  return each(rows, (row) => conversations.release(row.id), { expect: () => ({ assignee: null }), one: t.inbox.releasedToast, undo: (row) => conversations.claim(row.id) });
}

/** Puts them before the experts of a topic; null: the desk answers itself. */
export function putInPool(rows: ConversationRow[], id: Id | null): Promise<boolean> {
  const topic = session.topics.find((one) => one.id === id) ?? null;
  return each(rows, (row) => conversations.putInPool(row.id, id), {
    expect: () => ({ topic, ...(topic && { assignee: null }) }),
    one: (name) => (topic ? t.experts.put(name, topic.name) : t.experts.taken(name)),
    undo: (row) => conversations.putInPool(row.id, row.topic?.id ?? null),
  });
}

/** `to` is "staff:3", "team:2", "topic:4" (no number: out of its topic) or "nobody". */
export function assign(rows: ConversationRow[], to: string): Promise<boolean> {
  const [kind, id] = to.split(":");
  if (kind === "topic") return putInPool(rows, id ? Number(id) : null);
  const order = kind === "staff" ? { staff_id: Number(id) } : kind === "team" ? { team_id: Number(id) } : {};
  const assignee = session.staff.find((one) => one.id === order.staff_id) ?? null;
  const team = session.teams.find((one) => one.id === order.team_id);
  return each(rows, (row) => conversations.assign(row.id, order), {
    expect: () => ({ assignee, ...(team && { team }) }),
    one: (name) => t.inbox.assignedToast(name, assignee?.name ?? team?.name ?? t.inbox.nobody),
    undo: (row) => conversations.assign(row.id, { staff_id: row.assignee?.id ?? null, team_id: row.team?.id ?? null }),
  });
}

/** `until` null: until the customer writes, which ends any snooze. */
export function snooze(rows: ConversationRow[], until: Date | null): Promise<boolean> {
  const moment = until?.toISOString() ?? null;
  return each(rows, (row) => conversations.snooze(row.id, moment), {
    expect: () => ({ state: "snoozed", snoozed_until: moment }),
    one: t.inbox.snoozedToast,
    undo: (row) => conversations.reopen(row.id),
  });
}

export function close(rows: ConversationRow[], outcome: "answered" | "not_needed"): Promise<boolean> {
  return each(rows, (row) => conversations.resolve(row.id, row.waiting_since ? outcome : null), {
    expect: () => ({ state: "resolved" }),
    one: t.inbox.closedToast,
    undo: (row) => conversations.reopen(row.id),
    again: () => close(rows, outcome),
  });
}

const FINISHED = new Set(["resolved", "closed", "spam"]);

/** Whether nothing more is to be done about it; what is snoozed comes back, and may be closed before. */
export const isFinished = (row: ConversationRow): boolean => FINISHED.has(row.state);

export function reopen(rows: ConversationRow[]): Promise<boolean> {
  return each(rows, (row) => conversations.reopen(row.id), { expect: () => ({ state: "open", held_since: null }) });
}

export function markSpam(rows: ConversationRow[]): Promise<boolean> {
  return each(rows, (row) => conversations.markSpam(row.id), { expect: () => ({ state: "spam" }), one: t.inbox.spamToast, undo: (row) => conversations.reopen(row.id) });
}

export function markUnread(rows: ConversationRow[]): Promise<boolean> {
  return each(rows, (row) => conversations.markSeen(row.id, null).then(() => ({ ...row, unread: true })), { one: t.inbox.unreadToast });
}

/** Follows where any of them is not followed, else no more. */
export function toggleFollow(rows: ConversationRow[]): Promise<boolean> {
  const start = rows.some((row) => !row.followed);
  const run = (row: ConversationRow, on: boolean): Promise<ConversationRow> => (on ? conversations.follow(row.id) : conversations.unfollow(row.id));
  return each(rows, (row) => run(row, start), {
    expect: () => ({ followed: start }),
    one: start ? t.inbox.followedToast : t.inbox.unfollowedToast,
    undo: (row) => run(row, row.followed === start ? !start : row.followed),
  });
}

/** Adds the label where any of the rows lacks it, else removes it from all. */
export function toggleLabel(rows: ConversationRow[], id: Id): Promise<boolean> {
  const label = session.labels.find((one) => one.id === id);
  if (!label) return Promise.resolve(false);
  const add = rows.some((row) => !row.labels.some((one) => one.id === id));
  const after = (row: ConversationRow): Label[] => [...row.labels.filter((one) => one.id !== id), ...(add ? [label] : [])];
  const set = (row: ConversationRow, labels: Label[]): Promise<ConversationRow> => conversations.setLabels(row.id, labels.map((one) => one.id));
  return each(rows, (row) => set(row, after(row)), { expect: (row) => ({ labels: after(row) }), undo: (row) => set(row, row.labels) });
}

export const PRIORITIES: Priority[] = ["urgent", "high", "normal", "low"];

export function setPriority(rows: ConversationRow[], priority: Priority): Promise<boolean> {
  return each(rows, (row) => conversations.setPriority(row.id, priority), { expect: () => ({ priority }), undo: (row) => conversations.setPriority(row.id, row.priority) });
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
