/** Liking and hiding a customer's message at its network. What went wrong is told; one key undoes. */
import { actOn, type Act } from "$lib/api/conversations";
import type { Conversation, Entry, Id } from "$lib/api/types";
import { explain } from "$lib/explain";
import { t } from "$lib/i18n/index.svelte";
import { tell } from "$lib/toasts.svelte";
import { talk } from "./talk.svelte";

export type Side = "like" | "hide";
const BACK = { like: "unlike", hide: "unhide" } as const;

/** Whether this can be done with a message: in public, by a customer, where the network and one's rights allow it. */
export function isOffered(conversation: Conversation, entry: Entry, side: Side): boolean {
  if (!entry.acts || entry.deleted_at || conversation.surface !== "public") return false;
  return conversation.can.includes(`message.${side}`) && (side === "like" || entry.acts.hideable);
}

/** What pressing does: takes back what is done or on its way, else asks for it. */
export const nextAct = (entry: Entry, side: Side): Act => (entry.acts?.[side].state === "done" || entry.acts?.[side].state === "pending" ? BACK[side] : side);

export async function toggle(conversation: Id, entry: Entry, side: Side): Promise<void> {
  const act = nextAct(entry, side);
  try {
    talk.put(await actOn(conversation, entry.id, act));
    if (side === "hide") tell(act === "hide" ? t.inbox.hidingToast : t.inbox.unhidingToast);
  } catch (error) {
    tell(explain(error), { tone: "late" });
  }
}

/** What a key means: the newest message with which it can be done. */
export function toggleNewest(conversation: Conversation | null, side: Side): void {
  const entry = conversation && talk.entries.findLast((one) => isOffered(conversation, one, side));
  if (conversation && entry) void toggle(conversation.id, entry, side);
  else tell(side === "like" ? t.inbox.cannotLike : t.inbox.cannotHide);
}
