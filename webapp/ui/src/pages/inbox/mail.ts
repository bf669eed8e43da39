/**
 * What the page does with a mail in its frame. Nothing runs in there: the page measures it, puts
 * pictures into it that it got itself, and hears the keys that are meant for the page.
 */
import { ApiError, getFile } from "$lib/api/client";
import type { MailPicture } from "$lib/api/types";

const AT_ONCE = 3;
const TRIES = 6;
const PAUSE_MS = 700;
/** Beyond it one scrolls within the frame. */
const TALLEST = 6000;

export interface Shown {
  /** Pictures that were looked for so far, and those that cannot be shown. */
  done: number;
  missing: number;
}

/** How tall a frame must be for what is in it, a bar for scrolling sideways included. */
export function heightOf(page: Document): number {
  const root = page.documentElement;
  const bar = root.scrollWidth > root.clientWidth ? 16 : 0;
  return Math.min(TALLEST, Math.ceil(root.getBoundingClientRect().height) + bar);
}

/**
 * Gets pictures, a few at a time, and puts each where it belongs. What shows nothing but that it was
 * loaded goes; what cannot be had leaves its words. Returns, by place, the addresses that were made for
 * those that are shown, to be given back.
 */
export async function putPictures(page: Document, pictures: readonly MailPicture[], signal: AbortSignal, told: (shown: Shown) => void): Promise<Map<number, string>> {
  const [made, shown] = [new Map<number, string>(), { done: 0, missing: 0 }];
  const put = async (one: MailPicture): Promise<void> => {
    if (signal.aborted) return;
    const places = page.querySelectorAll<HTMLImageElement>(`img[data-picture="${one.place}"]`);
    try {
      const url = URL.createObjectURL(await patiently(one.url, signal));
      made.set(one.place, url);
      for (const place of places) place.src = url;
    } catch (error) {
      if (error instanceof ApiError && error.problem.code === "shows_nothing") for (const place of places) place.remove();
      else shown.missing += 1;
    }
    shown.done += 1;
    told({ ...shown });
  };
  await Promise.all(pictures.map((one) => inTurn(() => put(one))));
  return made;
}

/** Of all the mails on the page together, for the other calls of the page need the browser's connections too. */
const turns = { free: AT_ONCE, waiting: [] as (() => void)[] };

async function inTurn(work: () => Promise<void>): Promise<void> {
  if (turns.free) turns.free -= 1;
  else await new Promise<void>((go) => turns.waiting.push(go));
  try {
    await work();
  } finally {
    const next = turns.waiting.shift();
    if (next) next();
    else turns.free += 1;
  }
}

/** The server loads but a few at once, for everybody: what it has no place for is asked for again. */
async function patiently(url: string, signal: AbortSignal): Promise<Blob> {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await getFile(url, signal);
    } catch (error) {
      if (left <= 1 || signal.aborted || !(error instanceof ApiError && error.problem.code === "busy")) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * (TRIES - left + 1)));
    }
  }
}

/** Single keys do in the frame what they do beside it; what moves, presses or copies there stays there. */
export function passOnKeys(page: Document): void {
  page.addEventListener("keydown", (event) => {
    const isSign = [...event.key].length === 1 && event.key !== " ";
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const isPalette = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
    if (!(isSign && isPlain) && !isPalette) return;
    const { key, code, shiftKey, ctrlKey, metaKey } = event;
    const passed = new KeyboardEvent("keydown", { key, code, shiftKey, ctrlKey, metaKey, bubbles: true, cancelable: true });
    if (!window.dispatchEvent(passed)) event.preventDefault();
  });
}
