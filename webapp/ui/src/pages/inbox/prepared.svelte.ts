/** The canned replies of the conversation that is open: chosen from a list, or found by typing `:` or `/`. */
import { allCanned } from "$lib/api/settings";
import type { CannedReply, Conversation } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";
import type { Source } from "$lib/parts/Completer.svelte";
import type { Choice } from "$lib/parts/Picker.svelte";
import { session } from "$lib/session.svelte";
import { fold } from "$lib/words";
import { byFolder, fillCanned, findCanned, inLanguage, standingOf } from "$lib/canned";

class Prepared {
  #all: CannedReply[] = $state([]);

  async load(): Promise<void> {
    try {
      this.#all = await allCanned();
    } catch {
      // What was known stays; the box works without.
    }
  }

  /** Those for every brand, and those of the conversation's own. */
  #of(conversation: Conversation): CannedReply[] {
    const brand = session.account(conversation.account.id)?.brand.id;
    return this.#all.filter((one) => !one.brand || one.brand.id === brand);
  }

  textOf(reply: CannedReply, conversation: Conversation): string {
    const { customer, account } = conversation;
    const brand = session.brands.find((one) => one.id === session.account(account.id)?.brand.id);
    const me = session.me;
    const text = inLanguage(reply, [conversation.language, ...(brand?.languages.map(String) ?? [])]);
    return fillCanned(text, {
      "customer.name": customer.name,
      "customer.first_name": customer.name.split(/\s+/)[0] ?? "",
      "customer.handle": customer.handle,
      "agent.name": me?.name ?? "",
      "agent.first_name": me?.name.split(/\s+/)[0] ?? "",
      "agent.initials": me?.initials ?? "",
      "account.name": account.name,
      "account.handle": account.handle,
      "brand.name": brand?.name ?? account.name,
      "conversation.number": String(conversation.id),
      "conversation.subject": conversation.subject ?? "",
      network: t.common.networks[account.network] ?? account.network,
    });
  }

  /** By folder; what does not hold today stands last, and says so. */
  choices(conversation: Conversation): Choice[] {
    const choice = (one: CannedReply, group: string, hint: string): Choice => ({ value: String(one.id), name: one.name, hint, group });
    const all = [...this.#of(conversation)].sort(byFolder);
    return [
      ...all.filter((one) => one.standing === "valid").map((one) => choice(one, one.folder, `${one.shortcut ? `:${one.shortcut} ` : ""}${this.textOf(one, conversation)}`)),
      ...all.filter((one) => one.standing !== "valid").map((one) => choice(one, t.inbox.cannedOver, standingOf(one))),
    ];
  }

  /** Null for one that does not hold today. */
  chosen(id: string, conversation: Conversation): string | null {
    const found = this.#of(conversation).find((one) => String(one.id) === id);
    return found?.standing === "valid" ? this.textOf(found, conversation) : null;
  }

  /** What is found by typing; `besides` stands behind it. */
  source(conversation: Conversation, besides: Source["find"]): Source {
    return {
      marks: ":/",
      label: t.inbox.cannedHint,
      find: (typed) => {
        const found = findCanned(this.#of(conversation), typed, fold).map((one) => {
          const text = this.textOf(one, conversation);
          return { value: String(one.id), name: one.name, hint: text.replace(/\s+/g, " "), text };
        });
        const others = besides(typed);
        return [...found.slice(0, Math.max(4, 8 - others.length)), ...others];
      },
    };
  }
}

export const prepared = new Prepared();
