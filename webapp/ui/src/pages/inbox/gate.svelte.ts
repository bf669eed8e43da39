/** What must be filled in before a conversation is closed: asked for where the server said so, then closed. */
import { ApiError } from "$lib/api/client";
import { getConversation, getCustomer } from "$lib/api/conversations";
import { fillIn, type FieldValue } from "$lib/api/fields";
import type { FilledField, Id } from "$lib/api/types";
import { explain } from "$lib/explain";
import { tell } from "$lib/toasts.svelte";

interface Asking {
  conversation: Id;
  customer: Id;
  again: () => Promise<boolean>;
  settle: (worked: boolean) => void;
}

export const isLacking = (error: unknown): error is ApiError => error instanceof ApiError && error.problem.code === "fields_lacking";

class Gate {
  who = $state("");
  /** Those that are asked for now; none: nothing is asked. */
  fields: FilledField[] = $state([]);
  values: Record<Id, FieldValue> = $state({});
  #asking: Asking | null = null;

  get open(): boolean {
    return this.fields.length > 0;
  }

  /** Asks for what the refusal names, keeps it and does `again` what was refused. False: somebody thought better of it. */
  async ask(refusal: ApiError, conversation: Id, who: string, again: () => Promise<boolean>): Promise<boolean> {
    const named = refusal.problem.current?.["fields"];
    const ids = new Set((Array.isArray(named) ? (named as { id: Id }[]) : []).map((one) => one.id));
    try {
      const talk = await getConversation(conversation);
      const customer = await getCustomer(talk.customer.id);
      const fields = [...talk.fields, ...customer.fields].filter((one) => ids.has(one.id));
      this.leave();
      this.values = Object.fromEntries(fields.map((one) => [one.id, one.value]));
      [this.who, this.fields] = [who, fields];
      if (!fields.length) return false;
      return await new Promise<boolean>((settle) => (this.#asking = { conversation, customer: customer.id, again, settle }));
    } catch (error) {
      tell(explain(error), { tone: "late" });
      return false;
    }
  }

  leave(): void {
    this.fields = [];
    this.#asking?.settle(false);
    this.#asking = null;
  }

  /** Throws where the server does not take what was given. */
  async fill(): Promise<void> {
    const asking = this.#asking;
    if (!asking) return;
    for (const subject of ["conversation", "customer"] as const) {
      const its = this.fields.filter((one) => one.subject === subject);
      const values = Object.fromEntries(its.map((one) => [one.key, this.values[one.id] ?? null]));
      if (its.length) await fillIn(subject, asking[subject], values);
    }
    this.fields = [];
    this.#asking = null;
    asking.settle(await asking.again());
  }
}

export const gate = new Gate();
