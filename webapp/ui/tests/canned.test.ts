/** The variables and languages of canned replies, and finding them by typing. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { tick } from "svelte";
import { expect, it, vi } from "vitest";
import { fillCanned, findCanned, inLanguage } from "../src/lib/canned";
import type { CannedReply } from "../src/lib/api/types";
import { go } from "../src/lib/router.svelte";
import { session } from "../src/lib/session.svelte";
import { fold } from "../src/lib/words";
import Inbox from "../src/pages/inbox/Inbox.svelte";
import { talk } from "../src/pages/inbox/talk.svelte";
import { serve, until } from "./api";
import { withoutLayout } from "./layout";

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

it("says something else where a value is empty, but leaves an unknown one in sight", () => {
  expect(fillCanned("Hello {customer.handle|there}!", VALUES)).toBe("Hello there!");
  expect(fillCanned("Hello {customer.first_name|there}, {customer.age|old}", VALUES)).toBe("Hello Zoé, {customer.age|old}");
});

it("takes the first language wanted that it has, a variety as its language, and else the text as it was written", () => {
  const reply = { text: "Hello", language: "en-GB", translations: { fr: "Bonjour", "pt-BR": "Olá" } };
  expect([["fr-CA"], ["pt"], ["en"], ["de", "fr"], [null, "it"]].map((wanted) => inLanguage(reply, wanted))).toEqual(["Bonjour", "Olá", "Hello", "Bonjour", "Hello"]);
  expect(inLanguage({ text: "Hi", language: null, translations: { fr: "Salut" } }, ["en"])).toBe("Hi");
});

it("finds by shortcut, name and folder what holds today, what begins so first", () => {
  const made = (name: string, shortcut: string, folder: string, standing = "valid"): CannedReply => ({ name, shortcut, folder, standing }) as CannedReply;
  const all = [made("Your refund", "", "A"), made("Réfund under way", "rf", "Z"), made("Over", "refund", "", "expired"), made("Hours", "", "Refunds")];
  expect(findCanned(all, "REF", fold).map((one) => one.name)).toEqual(["Réfund under way", "Your refund", "Hours"]);
});

it("is put into the answer by typing a colon and Enter, in the customer's language", async () => {
  withoutLayout();
  serve();
  history.replaceState({}, "", "/inbox/6?view=open");
  go("/inbox/6?view=open", { replace: true });
  await session.load();
  await session.loadLists();
  render(Inbox);
  await until(() => talk.conversation !== null && document.querySelector(".box textarea") !== null);
  const field = document.querySelector<HTMLTextAreaElement>(".box textarea") as HTMLTextAreaElement;
  const names = (): (string | null)[] => [...document.querySelectorAll(".suggested .name")].map((one) => one.textContent);
  const type = async (text: string): Promise<void> => {
    field.value = text;
    field.setSelectionRange(text.length, text.length);
    await fireEvent.input(field);
    await tick();
  };
  await type("À 10:30, :refu");
  await until(() => names().length > 0, "nothing was found");
  expect(names()).toEqual(["Refund under way", "Remboursement en cours"]);
  await fireEvent.keyDown(field, { key: "Enter" });
  await until(() => field.value.startsWith("À 10:30, Bonjour Anne-Sophie,"), field.value);
  await type(":strike");
  expect(names()).toEqual([]);
  cleanup();
  talk.shut();
  vi.unstubAllGlobals();
});
