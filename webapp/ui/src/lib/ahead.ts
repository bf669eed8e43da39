/**
 * What is typed faster than a box opens. A key that opens one ("a" to assign, "r" to answer) calls
 * `typeAhead`; what is typed until the box has the focus is kept back, so that it neither does
 * something else nor is lost, and is then typed into it.
 */
const LONGEST_MS = 4000;
const BOX = 'input:not([type="checkbox"]):not([type="radio"]), textarea, [role="menu"], [role="menu"] *';

type Stroke = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

let stop: (() => void) | null = null;

/** Keeps back what is typed until a box or a menu has the focus, Escape is pressed, somebody points, or it takes too long. */
export function typeAhead(): void {
  stop?.();
  let early: Stroke[] = [];
  const keep = (event: KeyboardEvent): void => {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    // Enter is kept with its modifiers: what sends must come after what is sent.
    if (event.isComposing || (key !== "Enter" && (ctrlKey || metaKey || altKey || [...key].length !== 1))) {
      if (key === "Escape") end();
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    early.push({ key, ctrlKey, metaKey, altKey, shiftKey });
  };
  const arrived = (event: FocusEvent): void => {
    const box = event.target;
    if (!(box instanceof HTMLElement) || !box.matches(BOX)) return;
    end();
    void give(box, early);
  };
  const end = (): void => {
    clearTimeout(late);
    removeEventListener("keydown", keep, true);
    removeEventListener("focusin", arrived, true);
    removeEventListener("pointerdown", end, true);
    if (stop === end) stop = null;
  };
  const late = setTimeout(() => {
    early = [];
    end();
  }, LONGEST_MS);
  addEventListener("keydown", keep, true);
  addEventListener("focusin", arrived, true);
  addEventListener("pointerdown", end, true);
  stop = end;
}

/** Nothing opens after all. */
export function typeOn(): void {
  stop?.();
}

async function give(box: HTMLElement, early: Stroke[]): Promise<void> {
  for (const stroke of early) {
    const { key } = stroke;
    const isText = key !== "Enter" && (box instanceof HTMLInputElement || box instanceof HTMLTextAreaElement);
    // The one way to put text into a box as if it were typed: undo, the caret and `input` events come with it.
    if (isText) document.execCommand("insertText", false, key);
    else {
      await new Promise(requestAnimationFrame); // what was typed before has been looked for
      (document.activeElement ?? box).dispatchEvent(new KeyboardEvent("keydown", { ...stroke, bubbles: true, cancelable: true }));
    }
  }
}
