/** Acts on several at once, of which the server takes so many in one request. */
import { explain } from "../explain";

const MOST = 100;

interface Decided<Item> {
  done: number;
  items: Item[];
}

/** Sends `all` in as many requests as it takes, one after the other, and says what became of each. Where the first
 *  fails, this does; a later failure refuses, in its words, what was still to be sent: what is done is told as done. */
export async function inLots<One, Item>(all: One[], send: (lot: One[]) => Promise<Decided<Item>>, refuse: (one: One, why: string) => Item): Promise<Decided<Item>> {
  const whole: Decided<Item> = { done: 0, items: [] };
  for (let from = 0; from < all.length; from += MOST) {
    try {
      const { done, items } = await send(all.slice(from, from + MOST));
      whole.done += done;
      whole.items.push(...items);
    } catch (failure) {
      if (!from) throw failure;
      whole.items.push(...all.slice(from).map((one) => refuse(one, explain(failure))));
      break;
    }
  }
  return whole;
}
