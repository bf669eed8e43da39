import { forms } from "../plural";

const many = forms("en");

/** Experts: employees who answer questions of their topics in the company's name. */
export const experts = {
  group: "Experts of",
  hint: (n: number) => `${n} ${many(n, "expert", "experts")}`,
  takeOut: "No longer with experts",
  put: (name: string, topic: string) => `${name}: with the experts of ${topic}.`,
  taken: (name: string) => `${name}: with the desk again.`,
  text: "Who knows about what. A question is put before a topic’s experts with “a”; they see the open questions of their topics and nothing else, claim one, and answer in the company’s name.",
  empty: "No topics yet",
  add: "Add a topic",
  everyBrand: "Every brand",
  brand: "Of which brand",
  experts: "Experts",
  expertsHint: "They need no other right.",
  nobody: "no expert yet",
  reviewed: "A colleague approves their answers first",
  reviewedMark: "answers are approved first",
  minutes: "Back to the desk alone after (minutes)",
  minutesHint: "What no expert takes for so long; who put it there and its team are told.",
  returns: (n: number) => `back after ${n} min`,
  removeText: "Its experts see nothing any more, and what lies in its pool is the desk’s alone again.",
  credit: "Credit of experts",
  creditHint: "Ends their answers. {name}: their first name, {topic}: the topic. Empty: none.",
};
