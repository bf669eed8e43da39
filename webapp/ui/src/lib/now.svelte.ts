/** One clock for the page: every ticking time reads it, so they all change in the same second. */
import { createSubscriber } from "svelte/reactivity";

let skew = 0;

function every(period: number): () => number {
  const subscribe = createSubscriber((update) => {
    const timer = setInterval(update, period);
    return () => clearInterval(timer);
  });
  return () => {
    subscribe();
    return Date.now() + skew;
  };
}

/** Milliseconds since the epoch by the server's clock; re-renders its readers each second. */
export const now = every(1000);

/** Learns the server's clock from a `Date` header or an "as of" time. */
export function learnServerTime(server: number): void {
  if (Number.isFinite(server) && Math.abs(server - Date.now()) > 2000) skew = server - Date.now();
}
