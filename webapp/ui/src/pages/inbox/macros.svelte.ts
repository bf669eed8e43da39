/** Macros where they are applied: found, tried, applied to one conversation or many, undone. */
import * as calls from "$lib/api/macros";
import type { ConversationRow, Id, Macro, MacroResult, MacroTrial } from "$lib/api/types";
import { explain } from "$lib/explain";
import { t } from "$lib/i18n/index.svelte";
import type { Choice } from "$lib/parts/Picker.svelte";
import type { Source } from "$lib/parts/Completer.svelte";
import { session } from "$lib/session.svelte";
import { tell } from "$lib/toasts.svelte";
import { fold } from "$lib/words";
import { answer } from "./answer.svelte";
import { box } from "./box.svelte";
import { talk } from "./talk.svelte";

/** As many as the server takes at once. */
const LOT = 100;

async function inLots<T>(ids: Id[], ask: (lot: Id[]) => Promise<T[]>): Promise<T[]> {
  const found: T[] = [];
  for (let at = 0; at < ids.length; at += LOT) found.push(...(await ask(ids.slice(at, at + LOT))));
  return found;
}

class Macros {
  all: Macro[] = $state([]);
  /** What somebody is about to apply, and where. */
  asked: { macro: Macro; rows: ConversationRow[] } | null = $state(null);
  trials: MacroTrial[] | null = $state(null);
  error: unknown = $state(null);
  busy = $state(false);

  async load(): Promise<void> {
    try {
      this.all = await calls.allMacros();
    } catch {
      // What was known stays; the inbox works without.
    }
  }

  /** Those that are for all of these conversations. */
  #for(rows: ConversationRow[]): Macro[] {
    const brands = new Set(rows.map((row) => session.account(row.account.id)?.brand.id));
    return this.all.filter((one) => !one.brand || [...brands].every((brand) => brand === one.brand?.id));
  }

  choices(rows: ConversationRow[]): Choice[] {
    const found = this.#for(rows).map((one) => ({ value: String(one.id), name: one.name, group: one.own ? t.macros.forMe : (one.team?.name ?? one.brand?.name ?? t.macros.forAll) }));
    const groups = [...new Set(found.map((one) => one.group))];
    return groups.flatMap((group) => found.filter((one) => one.group === group));
  }

  nameOf(id: unknown): string {
    return this.all.find((one) => one.id === id)?.name ?? t.macros.gone;
  }

  /** In the reply box beside the canned replies; choosing one asks before it does anything. */
  find(row: ConversationRow): Source["find"] {
    return (typed) =>
      this.#for([row])
        .filter((one) => fold(one.name).includes(fold(typed)))
        .map((one) => ({ value: `macro-${one.id}`, name: one.name, hint: t.macros.macro, text: "", run: () => void this.ask(one.id, [row]) }));
  }

  /** Shows what it would do, before it does it. */
  async ask(id: Id, rows: ConversationRow[]): Promise<void> {
    const macro = this.all.find((one) => one.id === id);
    if (!macro || !rows.length) return;
    this.asked = { macro, rows };
    this.trials = null;
    this.error = null;
    try {
      await answer.keep();
      this.trials = await inLots(rows.map((row) => row.id), (lot) => calls.previewMacro(macro.id, lot));
    } catch (error) {
      this.error = error;
    }
  }

  /** True when it was done somewhere. */
  async apply(): Promise<boolean> {
    const { asked } = this;
    if (!asked || this.busy) return false;
    this.busy = true;
    this.error = null;
    try {
      const results = await inLots(asked.rows.map((row) => row.id), (lot) => calls.applyMacro(asked.macro.id, lot));
      this.asked = null;
      this.#show(asked.macro, results);
      return results.some((one) => one.event_id !== null);
    } catch (error) {
      this.error = error;
      return false;
    } finally {
      this.busy = false;
    }
  }

  #show(macro: Macro, results: MacroResult[]): void {
    const done = results.filter((one) => one.event_id !== null);
    const refused = results.filter((one) => one.reason !== null);
    for (const one of results) {
      box.forgive(one.conversation_id);
      if (one.reason) box.blame(one.conversation_id, one.reason);
      if (one.conversation) this.#put(one.conversation);
      if (one.event_id !== null) answer.takeUp(one.conversation_id, one.draft);
    }
    const act = done.length ? { name: t.common.undo, run: () => void this.#undo(done) } : null;
    const said = results.length > 1 || refused.length ? t.macros.appliedTo({ name: macro.name, done: done.length, refused: refused.length }) : done.length ? t.macros.applied(macro.name) : t.macros.nothing(macro.name);
    tell(said, { act, ...(refused.length && { tone: "late" as const }) });
    box.selected = new Set();
    void talk.read();
  }

  async #undo(done: MacroResult[]): Promise<void> {
    let kept = false;
    for (const one of done) {
      try {
        const undone = await calls.undoMacro(one.conversation_id, one.event_id ?? 0);
        this.#put(undone.conversation);
        answer.takeUp(one.conversation_id, undone.draft);
        kept ||= undone.kept.length > 0;
      } catch (error) {
        box.blame(one.conversation_id, explain(error));
        tell(explain(error), { tone: "late" });
        return;
      }
    }
    tell(kept ? t.macros.undoneButNote : t.macros.undone);
    void talk.read();
    void box.read({ quiet: true });
  }

  #put(row: ConversationRow): void {
    box.put(row);
    talk.merge(row);
  }
}

export const macros = new Macros();
