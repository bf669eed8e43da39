/** A set of hashtags goes into a text whole, but for what stands there already. */
import { expect, it } from "vitest";
import { findSets, missingFrom, withTags } from "../src/lib/hashtags";
import { fold } from "../src/lib/words";

const set = { id: 1, brand_id: 1, name: "Été", tags: ["Lyon", "été_2026", "SNCF-Connect"], cut: [] };

it("leaves out what is there, whatever its case", () => {
  expect(missingFrom("En route ! #lyon.", set)).toBe("#été_2026 #SNCF-Connect");
  expect(missingFrom("#LYON #Été_2026 #sncf-connect", set)).toBe("");
  expect(missingFrom("Lyonnais, #Lyonnais", set)).toContain("#Lyon ");
});

it("stands behind the text, after a space or in a line of its own", () => {
  expect(withTags("Now", { tags: ["a"] })).toBe("Now #a");
  expect(withTags("Now\nthen", { tags: ["a", "b"] })).toBe("Now\nthen\n#a #b");
  expect(withTags("", { tags: ["a"] })).toBe("#a");
  expect(withTags("#A", { tags: ["a"] })).toBe("#A");
});

it("is found by its name and by each of its tags", () => {
  expect(findSets([set], "et", fold)).toEqual([set]);
  expect(findSets([set], "sncf", fold)).toEqual([set]);
  expect(findSets([set], "paris", fold)).toEqual([]);
});
