/** Calls of the address book. */
import { api } from "./client";
import type { Contact, ContactChecked, Id, Page } from "./types";

interface Change {
  name: string;
  handles: Record<string, string>;
}

export async function allContacts(): Promise<Contact[]> {
  const items: Contact[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<Contact> = await api.get("/contacts", { limit: 200, cursor });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}
export const addContact = (contact: Change & Pick<Contact, "brand_id">): Promise<Contact> => api.post("/contacts", contact);
export const changeContact = (id: Id, change: Change): Promise<Contact> => api.patch(`/contacts/${id}`, change);
export const checkContact = (id: Id): Promise<ContactChecked> => api.post(`/contacts/${id}/check`, {});
export const removeContact = (id: Id): Promise<void> => api.remove(`/contacts/${id}`);
