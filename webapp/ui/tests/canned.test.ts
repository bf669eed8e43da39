/** The variables of canned replies. */
import { expect, it } from "vitest";
import { fillCanned } from "../src/pages/inbox/canned";

const VALUES = { "customer.first_name": "Zoé", "agent.name": "Ada $& {network}", network: "Mastodon", "customer.handle": "" };

it("fills in what it knows, in any case, as often as it stands there", () => {
  expect(fillCanned("{Customer.First_Name}, {customer.first_name}: {network}", VALUES)).toBe("Zoé, Zoé: Mastodon");
  expect(fillCanned("[{customer.handle}]", VALUES)).toBe("[]");
});

it("leaves what it does not know in sight", () => {
  expect(fillCanned("{customer.age} {} {0} { network } {constructor}", VALUES)).toBe("{customer.age} {} {0} { network } {constructor}");
});

it("takes a value as it is, whatever stands in it", () => {
  expect(fillCanned("I am {agent.name}", VALUES)).toBe("I am Ada $& {network}");
});
