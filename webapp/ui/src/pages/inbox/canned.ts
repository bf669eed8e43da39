/**
 * Fills the variables of a canned reply: `{{customer}}`, `{{handle}}`, `{{agent}}`, `{{account}}`,
 * `{{network}}`. An unknown one stays as it is, in sight of who sends it.
 */
export function fillCanned(text: string, values: Record<string, string>): string {
  return text.replace(/\{\{\s*([a-z_.]+)\s*\}\}/gi, (whole, name: string) => values[name.toLowerCase().split(".")[0] ?? ""] ?? whole);
}
