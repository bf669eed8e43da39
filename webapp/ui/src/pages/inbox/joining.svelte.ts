/** Merging, splitting and linking conversations: each can be taken back by the key that undoes. */
import * as conversations from "$lib/api/conversations";
import type { Conversation, ConversationRow, Id, Link } from "$lib/api/types";
import { explain } from "$lib/explain";
import { t } from "$lib/i18n/index.svelte";
import { go } from "$lib/router.svelte";
import { tell } from "$lib/toasts.svelte";
import { box } from "./box.svelte";
import { talk } from "./talk.svelte";

/** Carries out one act and opens what it gives; a refusal is said, and nothing has changed. */
async function act(run: () => Promise<Conversation>, said: string, undo?: (made: Conversation) => void): Promise<boolean> {
  try {
    const made = await run();
    tell(said, { act: undo ? { name: t.common.undo, run: () => undo(made) } : null });
    if (talk.id === made.id) void talk.read();
    else go(`/inbox/${made.id}${location.search}`);
    void box.read({ quiet: true });
    return true;
  } catch (error) {
    tell(explain(error), { tone: "late", seconds: 10 });
    return false;
  }
}

export function merge(id: Id, into: Id): Promise<boolean> {
  return act(() => conversations.merge(id, into), t.inbox.mergedToast, () => void unmerge(id));
}

export function unmerge(id: Id): Promise<boolean> {
  return act(() => conversations.unmerge(id), t.inbox.unmergedToast);
}

/** From that message onward. */
export function split(id: Id, from: Id): Promise<boolean> {
  return act(() => conversations.split(id, from), t.inbox.splitToast, (made) => void merge(made.id, id));
}

export function link(id: Id, other: Id, kind: Link["kind"]): Promise<boolean> {
  return act(() => conversations.link(id, other, kind), t.inbox.linkedToast, () => void unlink(id, other));
}

export function unlink(id: Id, other: Id): Promise<boolean> {
  return act(() => conversations.unlink(id, other), t.inbox.unlinkedToast);
}

/** What a conversation can be merged into: the same customer's on the same account, still going on. */
export function mergeable(row: ConversationRow, all: ConversationRow[]): ConversationRow[] {
  return all.filter((one) => one.id !== row.id && one.account.id === row.account.id && one.customer.id === row.customer.id && one.state !== "closed");
}
