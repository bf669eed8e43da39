/** A burst of calls that makes one act, as when many changes are told and one reading shows them all. */
export interface Soon {
  (): void;
  /** Forgets what was still to come. */
  stop(): void;
}

/** Returns what runs `act` once, `wait` ms after the first of a burst of calls; those in between are that one. */
export function soon(act: () => void, wait: number | (() => number)): Soon {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  const call = (): void => {
    timer ??= setTimeout(() => {
      stop();
      act();
    }, typeof wait === "number" ? wait : wait());
  };
  return Object.assign(call, { stop });
}
