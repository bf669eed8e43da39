/** Links become what the server makes of them: both are held to one table. */
import { expect, it } from "vitest";
import type { LinkTags } from "../src/lib/api/types";
import { tagLinks } from "../src/lib/tagging";
import table from "./link-cases.json";

const tags = table.tags as LinkTags;

it.each(table.cases.map((one) => [one.why, one] as const))("%s", (_, one) => {
  expect(tagLinks(one.text, tags)).toBe(one.sent);
  expect(tagLinks(one.sent, tags)).toBe(one.sent);
});

it("leaves a text alone where nothing is to be added", () => {
  expect(tagLinks("https://klm.com/", null)).toBe("https://klm.com/");
  expect(tagLinks("https://klm.com/", { ...tags, parameters: [] })).toBe("https://klm.com/");
});
