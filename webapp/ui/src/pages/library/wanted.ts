/** What somebody looks for in the library, as it stands in the page and as it is asked. */
import type { Query } from "$lib/api/client";

export interface Wanted {
  q: string;
  /** A brand's id, or "mine". */
  whose: string;
  /** The brand that one is at work for. */
  brand: string;
  kind: string;
  by: string;
  unused: boolean;
}

export const nothing = (brand: number | null): Wanted => ({ q: "", whose: brand === null ? "mine" : String(brand), brand: String(brand ?? ""), kind: "", by: "", unused: false });

export const isNarrow = (wanted: Wanted): boolean => wanted.q.trim() !== "" || wanted.kind !== "" || wanted.by !== "" || wanted.unused;

export function queryOf(wanted: Wanted, me: number | undefined): Query {
  const mine = wanted.whose === "mine";
  return {
    q: wanted.q.trim(),
    kind: wanted.kind,
    brand_id: mine ? null : wanted.whose,
    uploaded_by: mine ? me : wanted.by,
    unused: wanted.unused || null,
  };
}
