/** Names become what the server makes of them, are found behind an @, counted and shown as they go out. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { allContacts } from "../src/lib/api/contacts";
import type { TextLimit } from "../src/lib/api/types";
import { count, prepareCounting } from "../src/lib/counting";
import { contactsOf, findContacts, sayNames } from "../src/lib/mentioning";
import { session } from "../src/lib/session.svelte";
import { draft } from "../src/pages/compose/draft.svelte";
import Preview from "../src/pages/compose/Preview.svelte";
import Writing from "../src/pages/compose/Writing.svelte";
import AddressBook from "../src/pages/settings/AddressBook.svelte";
import { toasts } from "../src/lib/toasts.svelte";
import { serve, until } from "./api";
import counting from "./counting-cases.json";
import { withoutLayout } from "./layout";
import table from "./mention-cases.json";

const limits = Object.fromEntries(Object.entries(counting.limits).map(([name, limit]) => [name, { ...limit, source: "", as_of: "2026-01-01" } as TextLimit]));
beforeAll(() => prepareCounting(Object.values(limits)));

describe("one table with the server", () => {
  it.each(table.cases.map((one) => [one.why, one] as const))("%s", (_, one) => {
    expect(sayNames(one.text, table.named)).toBe(one.sent);
    for (const [network, used] of Object.entries(one.counts)) expect(count(one.sent, limits[network]!).used, network).toBe(used);
  });
  it("touches nothing while nothing is known", () => {
    expect(sayNames("@[Gare]", [])).toBe("@[Gare]");
    expect(sayNames("@[Gare]", null)).toBe("@[Gare]");
  });
});

describe("whom a post may name", () => {
  const contact = (id: number, brand_id: number | null, name: string, handle = ""): Parameters<typeof findContacts>[0][number] => ({ id, brand_id, name, handles: handle ? [{ network: "x", handle, state: "", checked_at: null }] : [] });
  const all = [contact(1, 1, "Lisbon Airport", "lis_air"), contact(2, null, "lisbon airport"), contact(3, null, "Météo"), contact(4, 2, "Elsewhere")];
  it("is its brand's own before that of all, and none of another brand", () => {
    expect(contactsOf(all, 1).map((one) => one.id)).toEqual([1, 3]);
    expect(contactsOf(all, 2).map((one) => one.id)).toEqual([2, 3, 4]);
  });
  it("is found by its name, by a word of it, by a handle, behind @ and @[", () => {
    const found = (typed: string): number[] => findContacts(all.slice(0, 1), typed).map((one) => one.id);
    for (const typed of ["lis", "[Lis", "AIRP", "lis_a", "lisbon air", ""]) expect(found(typed), typed).toEqual([1]);
    for (const typed of ["isbon", "[Lisbon Airport]", "Lisbon Airport] and"]) expect(found(typed), typed).toEqual([]);
  });
});

describe("in Compose", () => {
  beforeEach(async () => {
    withoutLayout();
    serve();
    await session.load();
    await session.loadLists();
    draft.begin(null);
    draft.brandId = 1;
    draft.accountIds = ["x", "mastodon"].flatMap((network) => session.accounts.find((one) => one.brand.id === 1 && one.network === network)?.id ?? []);
    draft.contacts = await allContacts();
  });
  afterEach(cleanup);

  const box = (): HTMLTextAreaElement => document.querySelector("textarea") as HTMLTextAreaElement;
  const show = (): void => void render(Writing, { tab: "all" });
  async function type(text: string): Promise<void> {
    box().value = text;
    box().setSelectionRange(text.length, text.length);
    await fireEvent.input(box());
    await tick();
  }

  it("is completed by keyboard alone and shown on each network as it goes out", async () => {
    show();
    await type("Hello @lis");
    expect([...document.querySelectorAll("[role=option]")].map((one) => one.textContent?.replace(/\s+/g, " ").trim())).toEqual(["Lisbon Airport@lisbon@mastodon.example @lisbon_airport"]);
    await fireEvent.keyDown(box(), { key: "Enter" });
    expect(draft.common.pieces[0]?.text).toBe("Hello @[Lisbon Airport]");
    await until(() => (draft.check?.accounts[0]?.mentions.length ?? 0) > 0);
    expect(draft.accountIds.map((id) => draft.sentOn(id, "Hello @[Lisbon Airport]"))).toEqual(["Hello @lisbon_airport", "Hello @lisbon@mastodon.example"]);
    render(Preview, { tab: "all" });
    expect([...document.querySelectorAll("figure .said")].map((one) => one.textContent)).toEqual(["Hello @lisbon_airport", "Hello @lisbon@mastodon.example"]);
  });

  it("says who is unknown, and who goes out by name", async () => {
    draft.change(null, draft.common.pieces[0]!.key, { text: "@[Nobody] @[Météo-France]" });
    show();
    await until(() => document.querySelector(".problem") !== null);
    expect(document.querySelector(".problem")?.textContent).toContain("Nobody is called “Nobody”");
    expect([...document.querySelectorAll(".notice")].map((one) => one.textContent)).toEqual([expect.stringContaining("“Météo-France” has no handle here"), expect.stringContaining("“Météo-France” has no handle here")]);
  });
});

describe("the address book", () => {
  afterEach(cleanup);
  it("says of each handle what its network said, and which did not say", async () => {
    withoutLayout();
    serve();
    await session.load();
    await session.loadLists();
    render(AddressBook);
    const check = (): HTMLButtonElement | null => document.querySelector("button[aria-label='Check: Lisbon Airport']");
    await until(() => check() !== null);
    await fireEvent.click(check() as HTMLButtonElement);
    await until(() => document.querySelector(".gone bdi")?.textContent === "@lisbon_airport");
    expect(toasts.at(-1)?.text).toBe("Lisbon Airport: nobody is called so on X any more; there the plain name goes out. Bluesky: The network does not answer");
  });
});
