/** `all` with `one` where it was not, without it where it was: a new set, so that what shows it notices. */
export function toggled<T>(all: ReadonlySet<T>, one: T): Set<T> {
  const now = new Set(all);
  if (!now.delete(one)) now.add(one);
  return now;
}
