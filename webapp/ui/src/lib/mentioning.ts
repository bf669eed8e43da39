/**
 * Names of the address book in a text, `@[Lisbon Airport]`, and what goes out in their place, while
 * somebody types. The server does the same (guichet/publishing/mention_tokens.py) and has the last
 * word: both are held to one table.
 */
import type { Contact, Named } from "./api/types";
import { fold } from "./words";

const TOKEN = /@\[(?!(?:[0-9.]+|ipv6:[^[\]]*)\])([^[\]\r\n]{1,200})\]/giu;

/** The text as it goes out; a name that is not known stays as it was typed. */
export function sayNames(text: string, named: readonly Named[] | null | undefined): string {
  if (!named?.length || !text.includes("@[")) return text;
  const said = new Map(named.map((one) => [one.typed, one.text]));
  return text.replace(TOKEN, (whole, typed: string) => said.get(typed) ?? whole);
}

/** What is written in a text to name somebody. */
export const tokenOf = (contact: Pick<Contact, "name">): string => `@[${contact.name}]`;

/** Whom a post of a brand may name: its own contacts, and those of all brands whose name it has not itself. */
export function contactsOf(contacts: readonly Contact[], brand: number | null): Contact[] {
  const own = new Set(contacts.filter((one) => one.brand_id === brand).map((one) => one.name.toLowerCase()));
  return contacts.filter((one) => (one.brand_id === null ? !own.has(one.name.toLowerCase()) : one.brand_id === brand));
}

/** Those of whom the name, a word of it or a handle begins with what was typed behind an @ or an @[. */
export function findContacts(contacts: readonly Contact[], typed: string): Contact[] {
  const sought = fold(typed.replace(/^\[/, ""));
  if (sought.includes("]")) return [];
  const begins = (one: Contact): boolean => {
    const name = fold(one.name);
    return name.startsWith(sought) || name.split(/\s+/).some((word) => word.startsWith(sought)) || one.handles.some((handle) => fold(handle.handle).startsWith(sought));
  };
  return contacts.filter(begins);
}
