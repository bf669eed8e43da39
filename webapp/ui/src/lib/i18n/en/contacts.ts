/** The address book. */
export const contacts = {
  text: "Whom your posts mention. Typed behind @ in Compose, a name becomes their own handle on each network, and stays a plain name where they have none. What is sent off already stays as it was.",
  add: "Add somebody",
  empty: "Nobody in the address book yet",
  nameHint: "What goes out where they have no handle",
  allBrands: "All brands",
  handles: "Handles",
  handleOn: (network: string) => `Handle on ${network}`,
  handleHint: (example: string) => (example ? `Like ${example}, or the address of the profile. Empty: the name goes out` : "Empty: the name goes out"),
  nameOnly: "By name only",
  gone: "nobody is called so there any more",
  check: "Check",
  found: "found there",
  goneOn: (name: string, networks: string) => `${name}: nobody is called so on ${networks} any more; there the plain name goes out.`,
  allFound: (name: string) => `${name}: every network knows the handle.`,
  removeText: "Posts that are sent off keep what they say. A draft that names them is refused until that is changed.",
};
