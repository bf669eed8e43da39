/** What one says of a colleague's answer that waits for an approval. */
import { approveAnswer, rejectAnswer } from "$lib/api/conversations";
import type { Entry, Id } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";
import { tell } from "$lib/toasts.svelte";
import { talk } from "./talk.svelte";

class Reviewing {
  /** The answer that the dialog is about, and what is asked of it. */
  entry: Entry | null = $state(null);
  act: "approve" | "reject" = $state("approve");

  /** Answers here that wait for this person, the oldest first. */
  get waiting(): Entry[] {
    return talk.entries.filter((one) => one.review?.may_decide);
  }

  open(entry: Entry | undefined, act: "approve" | "reject"): void {
    if (!entry) return;
    this.act = act;
    this.entry = entry;
  }

  async approve(id: Id, entry: Entry, text: string | null, others: boolean): Promise<void> {
    const seen = talk.seenThrough;
    if (!entry.review || seen === null) return;
    talk.put(await approveAnswer(id, entry.id, { content_hash: entry.review.content_hash, seen_through: seen, text, reject_others: others }));
    tell(t.answering.approved(entry.staff?.name ?? ""), { tone: "good" });
    void talk.read();
  }

  async reject(id: Id, entry: Entry, reason: string): Promise<void> {
    talk.put(await rejectAnswer(id, entry.id, reason));
    tell(t.answering.sentBack(entry.staff?.name ?? ""), { tone: "good" });
    void talk.read();
  }
}

export const reviewing = new Reviewing();
