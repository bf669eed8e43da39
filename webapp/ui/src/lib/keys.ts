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

/**
 * Binds keys until the returned function is called. Names follow tinykeys: "g i" is a sequence,
 * "$mod+k" is Control or Command. Keys with a modifier also work while typing.
 */
export function bindKeys(acts: Record<string, Act>): () => void {
  const bound: Record<string, Act> = {};
  for (const [key, act] of Object.entries(acts)) {
    const modified = key.includes("$mod");
    bound[key] = (event) => {
      if (event.defaultPrevented || event.isComposing) return;
      if (!modified && (typing(event.target) || floating() || event.ctrlKey || event.metaKey || event.altKey)) return;
      event.preventDefault();
      act(event);
    };
  }
  return tinykeys(window, bound);
}

/** Every key with its catalogue name, in the order of the sheet. */
export const SHEET: { group: "goTo" | "conversations" | "approving" | "doThis"; keys: [string, string][] }[] = [
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
