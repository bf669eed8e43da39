/** Picks the form of a word that a language wants for a number. */
export function forms(language: "en" | "fr"): (n: number, one: string, other: string) => string {
  const rules = new Intl.PluralRules(language);
  return (n, one, other) => (rules.select(n) === "one" ? one : other);
}
