/** Whom a note can call by "@name": who may read the conversation, and their teams. */
import { listReaders } from "$lib/api/conversations";
import type { Id, Readers } from "$lib/api/types";
import { t } from "$lib/i18n/index.svelte";
import type { Source, Suggestion } from "$lib/parts/Completer.svelte";
import { session } from "$lib/session.svelte";
import { fold } from "$lib/words";

class Calling {
  #readers: Readers = $state({ staff: [], teams: [] });
  #of: Id | null = null;

  get source(): Source {
    return { marks: "@", spaced: true, label: t.inbox.mention, find: (typed) => this.#find(fold(typed)) };
  }

  /** Asks once for each conversation. */
  load(id: Id): void {
    if (this.#of === id) return;
    this.#of = id;
    this.#readers = { staff: [], teams: [] };
    listReaders(id)
      .then((readers) => void (this.#of === id && (this.#readers = readers)))
      .catch(() => void (this.#of = null));
  }

  #find(typed: string): Suggestion[] {
    const put = (name: string): string => `@${name} `;
    const people = this.#readers.staff.filter((one) => one.id !== session.me?.id).map((one) => ({ value: `staff:${one.id}`, name: one.name, hint: one.initials, text: put(one.name) }));
    const teams = this.#readers.teams.map((one) => ({ value: `team:${one.id}`, name: one.name, hint: t.inbox.aTeam, text: put(one.name) }));
    // Whoever is written out is called already.
    return [...people, ...teams].filter((one) => ` ${fold(one.name)}`.includes(` ${typed}`) && fold(one.name) !== typed.trimEnd());
  }
}

export const calling = new Calling();
