import { forms } from "../plural";

const many = forms("en");

export const times = {
  title: "Best times",
  suggest: "Best times",
  looking: "Reading the history…",
  chooseFirst: "Choose an account first.",
  tooMany: "Times are judged for 20 accounts at most.",
  take: (when: string) => `Take ${when}`,
  taken: (when: string) => `Planned for ${when}.`,
  none: "There is no time to suggest.",
  allTaken: "The times that stand out are all taken, or closed, in the next two weeks.",
  behind: "The posts",
  behindOf: (account: string) => `The posts behind this, ${account}`,
  measure: {
    reactions: "The numbers are the median of likes, shares and answers, read when a post was a day or two old.",
    answers: "The numbers are the median of customers’ answers within two days: too few other figures are known.",
  },
  usual: (n: number) => `All posts together: ${n}.`,
  better: "★ stands out. The stronger the colour, the better than the account’s other posts; without a star it may be chance.",
  caption: (handle: string) => `What posts of ${handle} brought, by weekday and time of day`,
  day: "Day",
  cell: (p: { day: string; from: string; to: string; brought: number; posts: number; best: boolean }) => `${p.day} ${p.from}–${p.to}: ${p.brought}, ${p.posts} ${many(p.posts, "post", "posts")}${p.best ? ", stands out" : ""}`,
  posts: (n: number) => `${n} ${many(n, "post", "posts")}`,
  brought: (n: number) => `brought ${n}`,
  partly: (p: { shown: number; of: number }) => `The ${p.shown} of ${p.of} that brought most.`,
  toSlots: "Slots from history",
  toSlotsDone: (n: number) => (n ? `${n} ${many(n, "slot", "slots")} added: see below, and save.` : "The times that stand out have their slots already."),
  anyDay: "Any day",
  allDay: "all day",
  atNetwork: "At the network",
};
