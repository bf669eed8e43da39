import { forms } from "../plural";

const many = forms("en");

/** Mails as they look. */
export const mails = {
  format: "Show formatting",
  plain: "Show plain text",
  frame: (p: { author: string; subject: string }) => (p.subject ? `Mail from ${p.author}: ${p.subject}` : `Mail from ${p.author}`),
  images: (n: number) => `Show ${n} ${many(n, "image", "images")}`,
  imagesWhy: "We fetch them for you: their server learns that the mail was opened, and nothing of you.",
  loading: (p: { done: number; all: number }) => `Loading images: ${p.done} of ${p.all}`,
  missing: (n: number) => (n === 1 ? "One image cannot be shown." : `${n} images cannot be shown.`),
  failed: "The formatting cannot be shown",
};
