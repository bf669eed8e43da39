/**
 * The keyboard layer. Single keys rest while somebody types, while a menu or dialog is open,
 * and when a modifier is held, so that no key is ever a trap.
 */
import { tinykeys } from "tinykeys";

type Act = (event: KeyboardEvent) => void;

/** A box that is ticked takes no letters. */
const TICKED = new Set(["checkbox", "radio"]);

function typing(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement && TICKED.has(target.type)) return false;
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function floating(): boolean {
  return document.querySelector('[role="dialog"],[role="menu"],[role="alertdialog"]') !== null;
}

export type Group = "goTo" | "conversations" | "approving" | "doThis";
/** What key a command has now, by its usual one; keys.ts knows no person, so who does says it here. */
type KeyOf = (group: Group, usual: string) => string;
let keyOf: KeyOf = (_, usual) => usual;
const bindings = new Set<() => void>();

/** Says how keys are chosen from now on. */
export function chooseKeysBy(chooser: KeyOf): void {
  keyOf = chooser;
  rebind();
}

/** What is bound is bound anew, for keys were changed. */
export function rebind(): void {
  for (const bind of bindings) bind();
}

/**
 * Binds keys until the returned function is called, by their usual names in `group`. Names follow
 * tinykeys: "g i" is a sequence, "$mod+k" is Control or Command. Keys with a modifier also work
 * while typing.
 */
export function bindKeys(acts: Record<string, Act>, group: Group = "conversations"): () => void {
  let stop = (): void => undefined;
  const bind = (): void => {
    stop();
    stop = tinykeys(window, bound(acts, group));
  };
  bindings.add(bind);
  bind();
  return () => {
    bindings.delete(bind);
    stop();
  };
}

function bound(acts: Record<string, Act>, group: Group): Record<string, Act> {
  const found: Record<string, Act> = {};
  for (const [usual, act] of Object.entries(acts)) {
    const key = keyOf(group, usual);
    const modified = key.includes("$mod");
    for (const way of key ? waysTo(key) : []) {
      found[way] = (event) => {
        if (event.defaultPrevented || event.isComposing) return;
        if (!modified && (typing(event.target) || floating() || event.ctrlKey || event.metaKey || event.altKey)) return;
        event.preventDefault();
        act(event);
      };
    }
  }
  return found;
}

/** A sign such as "/" or "?" is with Shift on one keyboard and without on another: what counts is what it writes. */
function waysTo(key: string): string[] {
  return /^[^\p{L}\s]$/u.test(key) ? [key, `Shift+${key}`] : [key];
}

/** Every key with its catalogue name, in the order of the sheet. */
export const SHEET: { group: Group; keys: [string, string][] }[] = [
  {
    group: "conversations",
    keys: [
      ["j", "next"],
      ["k", "previous"],
      ["Enter", "open"],
      ["r", "reply"],
      ["n", "note"],
      ["c", "claim"],
      ["a", "assign"],
      ["l", "label"],
      ["s", "snooze"],
      ["e", "close"],
      ["Shift+M", "macro"],
      ["f", "follow"],
      ["h", "like"],
      ["Shift+H", "hide"],
      ["m", "merge"],
      ["Shift+L", "link"],
      ["o", "askOutside"],
      ["w", "waitFor"],
      ["Shift+A", "approveAnswer"],
      ["Shift+R", "sendAnswerBack"],
      ["u", "undo"],
      ["x", "select"],
      ["Esc", "back"],
      ["Ctrl+Enter", "send"],
      ["Ctrl+Shift+Enter", "sendClose"],
      ["Alt+Enter", "sendLater"],
      ["z", "undoSend"],
    ],
  },
  {
    group: "approving",
    keys: [
      ["j", "nextPost"],
      ["k", "previousPost"],
      ["x", "select"],
      ["Enter", "readPost"],
      ["a", "approve"],
      ["r", "sendBack"],
    ],
  },
  {
    group: "goTo",
    keys: [
      ["g i", "goInbox"],
      ["g c", "goCalendar"],
      ["g n", "goNumbers"],
      ["g w", "goCompose"],
      ["g y", "goNeeds"],
      ["g m", "goNotices"],
    ],
  },
  {
    group: "doThis",
    keys: [
      ["/", "search"],
      ["Ctrl+K", "palette"],
      ["?", "sheet"],
    ],
  },
];
