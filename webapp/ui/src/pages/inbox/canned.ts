/**
 * Fills the variables of a canned reply: `{customer.name}`, `{customer.first_name}`, `{customer.handle}`, `{agent.name}`,
 * `{account.name}`, `{network}`. An unknown one stays as it is, in sight of who sends it.
 */
export function fillCanned(text: string, values: Record<string, string>): string {
  return text.replace(/\{([a-z]+(?:\.[a-z_]+)?)\}/gi, (whole, name: string) => {
    const known = name.toLowerCase();
    return Object.hasOwn(values, known) ? (values[known] ?? whole) : whole;
  });
}
