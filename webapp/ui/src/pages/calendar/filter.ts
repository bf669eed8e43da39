/** What the address says about which posts are wanted, as the API takes it. */
export const STATES = ["draft", "awaiting_approval", "scheduled", "published", "failed", "held", "needs_human", "cancelled"] as const;

export interface Filter {
  brand_id: number | null;
  account_id: number[];
  author_id: number | null;
  import_id: number | null;
  label_id: number[];
  campaign_id: number[];
  state: string[];
  any: boolean;
}

const number = (text: string | null): number | null => (text && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null);
const list = (text: string | null): string[] => (text ?? "").split(",").filter(Boolean);
const numbers = (text: string | null): number[] => list(text).flatMap((one) => number(one) ?? []);
/** What is taken out of the address when nothing is filtered any more. */
export const NO_FILTER = { brand: null, account: null, author: null, state: null, import: null, label: null, campaign: null } as const;

export function filterOf(query: URLSearchParams): Filter {
  const filter = {
    brand_id: number(query.get("brand")),
    account_id: numbers(query.get("account")),
    author_id: number(query.get("author")),
    import_id: number(query.get("import")),
    label_id: numbers(query.get("label")),
    campaign_id: numbers(query.get("campaign")),
    state: list(query.get("state")).filter((one) => (STATES as readonly string[]).includes(one)),
  };
  return { ...filter, any: Boolean(filter.brand_id || filter.account_id.length || filter.author_id || filter.import_id || filter.label_id.length || filter.campaign_id.length || filter.state.length) };
}

/** The same for a request. */
export function queryOf({ any: _, ...filter }: Filter): Record<string, string | number | null | (string | number)[]> {
  return filter;
}

/** What one click narrows the list to: which states, in which order, before or after now. */
export const WHICH = {
  coming: { state: [], order: "soonest", side: "since" },
  awaiting_approval: { state: ["awaiting_approval"], order: "soonest", side: null },
  failed: { state: ["failed"], order: "latest", side: null },
  needs_human: { state: ["needs_human"], order: "latest", side: null },
  held: { state: ["held"], order: "soonest", side: null },
  draft: { state: ["draft"], order: "latest", side: null },
  past: { state: [], order: "latest", side: "until" },
  all: { state: [], order: "latest", side: null },
} as const;
export type Which = keyof typeof WHICH;
