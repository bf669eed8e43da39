/**
 * Which key does what, as this person wants it: every single key can be changed or left without
 * one, and all of them can be switched off (WCAG 2.1.4). Kept with the person, on the server.
 */
import { changeMe } from "./api/settings";
import { SHEET, rebind, type Group } from "./keys";
import { session } from "./session.svelte";

interface Kept {
  off?: boolean;
  keys?: Record<string, string>;
}

/** Where each group's keys are heard; two that are heard together cannot share a key. */
const TOGETHER: Record<Group, Group[]> = {
  conversations: ["conversations", "goTo", "doThis"],
  approving: ["approving", "goTo", "doThis"],
  goTo: ["conversations", "approving", "goTo", "doThis"],
  doThis: ["conversations", "approving", "goTo", "doThis"],
};

/** A key without Control, Alt or Command that writes something. Enter, Escape and what is pressed with Control stay. */
export const isSingle = (key: string): boolean => key.split(" ").every((one) => /^(Shift\+)?.$/u.test(one));

class Shortcuts {
  get #kept(): Kept {
    return (session.me?.preferences["shortcuts"] ?? {}) as Kept;
  }

  get off(): boolean {
    return this.#kept.off === true;
  }

  get changed(): boolean {
    return Object.keys(this.#kept.keys ?? {}).length > 0;
  }

  /** The key of a command now; "": none. */
  keyOf(group: Group, usual: string): string {
    if (!isSingle(usual)) return usual;
    const name = nameOf(group, usual);
    return this.off ? "" : this.chosen(name, usual);
  }

  /** The key that is chosen for a command, whether keys are on or not. */
  chosen(name: string, usual: string): string {
    const own = this.#kept.keys?.[name];
    return typeof own === "string" && (own === "" || isSingle(own)) ? own : usual;
  }

  /** The command that has this key already, or begins with it, among those heard together with `name`, wherever that is heard. */
  taken(name: string, key: string): string {
    const heard = new Set(SHEET.filter((one) => one.keys.some(([, command]) => command === name)).flatMap((one) => TOGETHER[one.group]));
    const begins = (one: string): string => one.split(" ")[0] ?? "";
    for (const other of SHEET) {
      if (!heard.has(other.group)) continue;
      for (const [usual, command] of other.keys) {
        if (command === name) continue;
        const own = isSingle(usual) ? this.chosen(command, usual) : usual;
        if (own !== "" && (own === key || begins(own) === key)) return command;
      }
    }
    return "";
  }

  change(name: string, key: string | null): Promise<void> {
    const keys = { ...this.#kept.keys };
    if (key === null) delete keys[name];
    else keys[name] = key;
    return this.#keep({ ...this.#kept, keys });
  }

  switch(off: boolean): Promise<void> {
    return this.#keep({ ...this.#kept, off });
  }

  reset(): Promise<void> {
    return this.#keep({});
  }

  async #keep(shortcuts: Kept): Promise<void> {
    session.me = await changeMe({ preferences: { ...session.me?.preferences, shortcuts } });
    rebind();
  }
}

function nameOf(group: Group, usual: string): string {
  const found = SHEET.filter((one) => TOGETHER[group].includes(one.group)).flatMap((one) => one.keys).find(([key]) => key === usual);
  return found?.[1] ?? "";
}

/** The key as it is kept, from what was pressed; "": one that a browser or a reader needs, or that writes nothing. */
export function pressed(event: KeyboardEvent): string {
  const { key } = event;
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || [...key].length !== 1 || key === " ") return "";
  return key.toLowerCase() !== key.toUpperCase() ? (event.shiftKey ? `Shift+${key.toUpperCase()}` : key.toLowerCase()) : key;
}

export const shortcuts = new Shortcuts();
