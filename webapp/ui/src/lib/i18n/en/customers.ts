import { forms } from "../plural";

const many = forms("en");

/** Words of the page about one customer. */
export const customers = {
  open: "Open their page",
  find: "Find a customer by name or handle",
  pick: "Whom are you looking for?",
  pickText: "Customers are found by the name and the handle that they have on a network, as far as they wrote to an account that you may see.",
  none: "Nobody of that name",
  history: "Conversations over all networks",
  vip: "VIP",
  isVip: "Marked as VIP.",
  noVip: "No longer a VIP.",
  blocked: "Blocked",
  isBlocked: "Blocked: what they write next is put aside as spam.",
  notBlocked: "No longer blocked.",
  join: "Join with another…",
  joinTitle: (name: string) => `Who else is ${name}?`,
  joinText: "Their identities come together here. Each answer still goes to the identity that wrote. It can be undone.",
  joinFind: "Name or handle",
  maybe: "Perhaps the same person",
  wouldCome: (name: string) => `From ${name} would come:`,
  wouldBring: (p: { conversations: number; notes: number }) => `${p.conversations} ${many(p.conversations, "conversation", "conversations")}, ${p.notes} ${many(p.notes, "note", "notes")}`,
  becomesVip: "The customer becomes a VIP.",
  blockedEnds: "One of them is blocked. Joined, they are not: only who is blocked on both sides stays so.",
  joinAct: (name: string) => `Join with ${name}`,
  joinedToast: "Joined. It can be separated again.",
  joined: (p: { name: string; by: string; n: number }) => `${p.by} joined ${p.name} (${p.n} ${many(p.n, "identity", "identities")})`,
  separate: "Separate",
  separatedToast: "Separated: what came with it went back with it.",
  suggested: (p: { name: string; address: string }) => `Perhaps also ${p.name}: wrote the address ${p.address}`,
  notes: "Notes on this customer",
  noteNew: "A note for colleagues",
  noteAdd: "Add the note",
  noteOld: "From before",
  noteRemove: "Take the note away",
};
