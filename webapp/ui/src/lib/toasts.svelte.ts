/** Short notices. One that carries an act (undo) stays until its time is up, and can be reached by keyboard. */
export interface Toast {
  id: number;
  tone: "plain" | "good" | "late";
  text: string;
  act: { name: string; run: () => void } | null;
  until: number;
}

export const toasts: Toast[] = $state([]);
let last = 0;

export function dismiss(id: number): void {
  const place = toasts.findIndex((one) => one.id === id);
  if (place >= 0) toasts.splice(place, 1);
}

export function tell(text: string, { tone = "plain", act = null, seconds = act ? 10 : 5 }: Partial<Pick<Toast, "tone" | "act">> & { seconds?: number } = {}): number {
  const id = ++last;
  toasts.push({ id, tone, text, act, until: Date.now() + seconds * 1000 });
  if (toasts.length > 3) toasts.shift();
  setTimeout(() => dismiss(id), seconds * 1000);
  return id;
}

/** Runs the newest notice's act: what the `u` key does. */
export function undoLast(): boolean {
  const found = toasts.findLast((one) => one.act);
  if (!found) return false;
  dismiss(found.id);
  found.act?.run();
  return true;
}
