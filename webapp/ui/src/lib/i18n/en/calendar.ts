import { forms } from "../plural";

const many = forms("en");

export const calendar = {
  views: { month: "Month", week: "Week", list: "List" },
  view: "View",
  today: "Today",
  previous: "Earlier",
  next: "Later",
  zone: "Time zone of this page",
  secondZone: "Second time zone",
  noSecond: "No second time zone",
  timesIn: (zone: string) => `Times in ${zone}`,
  newPost: "New post",
  empty: "Nothing is planned in this time",
  moved: (p: { when: string; zone: string }) => `Moved to ${p.when}, ${p.zone}.`,
  movedClash: (p: { when: string; zone: string; clash: string }) => `Moved to ${p.when}, ${p.zone}. ${p.clash}`,
  notMoved: (why: string) => `Not moved: ${why}`,
  notYours: "You may not move it: somebody can who may publish on all of its accounts.",
  cannotMove: "What is being sent or has been sent cannot be moved.",
  past: "That time has passed already.",
  move: "Move…",
  moveTo: "Move to",
  moveDo: (p: { when: string; zone: string }) => `Move to ${p.when}, ${p.zone}`,
  open: "Open",
  details: "Post",
  more: (n: number) => `${n} more`,
  accounts: (n: number) => `${n} ${many(n, "account", "accounts")}`,
  noText: "Without text",
  freeSlot: "Free slot",
  freeSlotFor: (p: { label: string; accounts: string }) => `${p.label || "Free slot"}: ${p.accounts}. Write a post for it.`,
};
