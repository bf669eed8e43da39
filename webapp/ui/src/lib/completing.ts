/** What is being typed behind a mark (`@`, `:`, `/`), right before the cursor. */
export interface Token {
  /** Where the mark stands, and where what is typed ends. */
  start: number;
  end: number;
  typed: string;
}

const LONGEST = 60;

/**
 * The token that the cursor stands at the end of; null where there is none. A mark begins a
 * token at the start of a word only, so that an address, a time or a fraction is none. `spaced`:
 * what is looked for may hold spaces, as names do.
 */
export function tokenAt(text: string, cursor: number, marks: string, spaced = false): Token | null {
  // The text may have been emptied or changed behind the cursor that was last heard of.
  const end = Math.min(cursor, text.length);
  const from = Math.max(0, end - LONGEST);
  for (let place = end - 1; place >= from; place--) {
    const sign = text.charAt(place);
    if (sign === "\n" || (!spaced && /\s/.test(sign))) return null;
    if (marks.includes(sign) && (place === 0 || /[\s(«“"'’]/.test(text.charAt(place - 1)))) {
      const typed = text.slice(place + 1, end);
      return /^\s/.test(typed) ? null : { start: place, end, typed };
    }
  }
  return null;
}
