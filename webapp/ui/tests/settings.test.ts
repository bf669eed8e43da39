/** The settings, against the made-up API: rules are seen before they act, secrets are shown once, refusals stand at their field. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import Labels from "../src/pages/settings/Labels.svelte";
import People from "../src/pages/settings/People.svelte";
import Rules from "../src/pages/settings/Rules.svelte";
import Settings from "../src/pages/settings/Settings.svelte";
import Teams from "../src/pages/settings/Teams.svelte";
import Tokens from "../src/pages/settings/Tokens.svelte";
import { actionOf, conditionOf, isWhole, rowOf, sayAction, sayCondition } from "../src/pages/settings/vocabulary";
import { termOf, textOfTerm } from "../src/pages/settings/terms";
import { split } from "../src/pages/settings/listing.svelte";
import { go } from "../src/lib/router.svelte";
import { live } from "../src/lib/live.svelte";
import { session } from "../src/lib/session.svelte";
import { serve, until } from "./api";

async function open(component: Parameters<typeof render>[0]): Promise<ReturnType<typeof serve>> {
  const served = serve();
  await session.load();
  await session.loadLists();
  render(component);
  await until(() => document.querySelector(".rows li") !== null, "the list did not load");
  return served;
}
const button = (name: string): HTMLButtonElement => {
  const found = [...document.querySelectorAll("button")].find((one) => (one.getAttribute("aria-label") ?? one.textContent?.trim()) === name);
  if (!found) throw new Error(`no button ${name}`);
  return found;
};
const names = (): (string | undefined)[] => [...document.querySelectorAll(".rows h3")].map((one) => one.firstChild?.textContent?.trim());

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("shows what a rule would have matched before it lets it be switched on", async () => {
  const { asked } = await open(Rules);
  await fireEvent.click(button("Switch on: Invoices"));
  await until(() => document.body.textContent?.includes("Matches 37 of the last 1000 messages") ?? false, "no preview");
  expect(asked.filter((one) => one.method === "PATCH")).toEqual([]);
  await fireEvent.submit(document.querySelector("form") as HTMLFormElement);
  await until(() => asked.some((one) => one.method === "PATCH"));
  expect(asked.find((one) => one.method === "PATCH")).toMatchObject({ path: "/rules/3", body: { on: true } });
});

it("does not let a rule be switched on whose preview failed", async () => {
  const served = serve({ before: (one) => (one.path === "/rules/preview" ? [500, { title: "no", status: 500 }] : null) });
  await session.load();
  render(Rules);
  await until(() => document.querySelector(".rows li") !== null);
  await fireEvent.click(button("Switch on: Invoices"));
  await until(() => document.querySelector('[role="dialog"] [role="alert"]') !== null, "no reason");
  expect(button("Switch on").disabled).toBe(true);
  expect(served.asked.filter((one) => one.method === "PATCH")).toEqual([]);
});

it("moves a rule by its buttons and sends the whole order", async () => {
  const { asked } = await open(Rules);
  await fireEvent.click(button("Move down: Delays to Travel disruption"));
  await until(() => asked.some((one) => one.path === "/rules/order"));
  expect(asked.find((one) => one.path === "/rules/order")?.body).toEqual({ ids: [2, 1, 3] });
  expect(names()).toEqual(["VIPs first", "Delays to Travel disruption", "Invoices"]);
  expect(button("Move up: VIPs first").disabled).toBe(true);
});

it("keeps the words of a condition as they are typed, and saves them as values", async () => {
  const { asked } = await open(Rules);
  await fireEvent.click(button("Edit: Delays to Travel disruption"));
  await until(() => document.querySelector('form input[aria-label="Condition 1: values"]') !== null);
  const typed = document.querySelector('form input[aria-label="Condition 1: values"]') as HTMLInputElement;
  expect(typed.value).toBe("delay, cancelled, late train");
  await fireEvent.input(typed, { target: { value: "delay, strike, " } });
  expect(typed.value).toBe("delay, strike, ");
  await fireEvent.submit(document.querySelector("form") as HTMLFormElement);
  await until(() => asked.some((one) => one.method === "PATCH"));
  expect((asked.find((one) => one.method === "PATCH")?.body["conditions"] as unknown[])[0]).toEqual({ field: "text", operator: "any_of", value: ["delay", "strike"] });
});

it("asks for numbers where numbers are asked, and sends them as such", async () => {
  const { asked } = await open(Rules);
  await fireEvent.click(button("Edit: Delays to Travel disruption"));
  await until(() => document.querySelector('form select[aria-label="Condition 1: what"]') !== null);
  const which = document.querySelector('form select[aria-label="Condition 1: what"]') as HTMLSelectElement;
  which.value = "repeated";
  await fireEvent.change(which);
  const numbers = [...document.querySelectorAll<HTMLInputElement>('form [aria-label="Condition 1: values"] input')];
  expect(numbers.map((one) => one.value)).toEqual(["3", "60"]);
  await fireEvent.input(numbers[1] as HTMLInputElement, { target: { value: "" } });
  expect(button("Save").disabled).toBe(true);
  await fireEvent.input(numbers[1] as HTMLInputElement, { target: { value: "15" } });
  await fireEvent.submit(document.querySelector("form") as HTMLFormElement);
  await until(() => asked.some((one) => one.method === "PATCH"));
  expect((asked.find((one) => one.method === "PATCH")?.body["conditions"] as unknown[])[0]).toEqual({ field: "repeated", operator: "by_anybody", value: [3, 15] });
});

it("says rules in words, also about what is no longer there", async () => {
  await open(Rules);
  expect(sayCondition({ field: "text", operator: "none_of", value: ["refund", "money back"] })).toBe("Text has none of “refund” or “money back”");
  expect(sayCondition({ field: "account", operator: "is", value: [4] })).toBe("Account is help@northline.example (E-mail)");
  expect(sayCondition({ field: "repeated", operator: "by_author", value: [3, 60] })).toBe("The same text 3 times in 60 minutes, by the same author");
  expect(sayCondition({ field: "customer_messages", operator: "at_most", value: [1] })).toBe("Customer’s messages at most 1");
  expect(sayCondition({ field: "custom", operator: "is_not", value: ["nights>=3", "tier="] })).toBe("Not so: field nights is at least “3” or tier is empty");
  expect(sayAction({ kind: "field", value: "reason=lost" })).toBe("Fill in reason with “lost” where it is empty");
  expect(sayAction({ kind: "priority", value: 3 })).toBe("Set the priority Urgent");
  expect(sayAction({ kind: "team", value: 99 })).toContain("no longer there");
});

it("asks of a custom field by its name, in signs that its kind knows, and fills in those of conversations", async () => {
  const field = { archived: false, mask: "", least: "", most: "", choices: [], required: false, brand_id: null };
  const items = [
    { ...field, id: 1, subject: "conversation", key: "reason", name: "Reason", kind: "choice", choices: [{ key: "lost", name: "Lost bag" }] },
    { ...field, id: 2, subject: "customer", key: "nights", name: "Nights", kind: "number" },
    { ...field, id: 3, subject: "customer", key: "gone", name: "Gone", kind: "text", archived: true },
  ];
  const rule = { id: 3, name: "Old", brand_id: null, on: false, stops: false, since: "", after_minutes: null, in_hours: false, position: 1, conditions: [{ field: "custom", operator: "is", value: ["nights>=3"] }], actions: [{ kind: "field", value: "reason=lost" }] };
  const { asked } = serve({ before: ({ method, path }) => (path === "/fields" ? [200, { items, next_cursor: null }] : method === "GET" && path === "/rules" ? [200, { items: [rule], next_cursor: null }] : null) });
  await session.load();
  render(Rules);
  await until(() => document.body.textContent?.includes("Field nights is at least “3”") ?? false);
  await fireEvent.click(button("Edit: Old"));
  const group = (name: string): HTMLElement => document.querySelector(`[role="group"][aria-label="${name}"]`) as HTMLElement;
  const offered = (of: HTMLElement | null): string[] => [...(of?.querySelectorAll("option:not([disabled])") ?? [])].map((one) => one.textContent ?? "");
  await until(() => offered(group("Condition 1: values")?.querySelector("select") ?? null).includes("Nights"));
  expect(offered(group("Condition 1: values").querySelector('[aria-label="Field"]'))).toEqual(["Reason", "Nights"]);
  expect(offered(group("Condition 1: values").querySelector('[aria-label="How"]'))).toHaveLength(7);
  expect(offered(group("Action 1: which").querySelector('[aria-label="Field"]'))).toEqual(["Reason"]);
  expect(offered(group("Action 1: which").querySelector('[aria-label="Value"]'))).toEqual(["Lost bag"]);
  await fireEvent.input(group("Condition 1: values").querySelector("input") as HTMLInputElement, { target: { value: "5" } });
  await fireEvent.submit(document.querySelector("form") as HTMLFormElement);
  await until(() => asked.some((one) => one.method === "PATCH"));
  expect(asked.find((one) => one.method === "PATCH")?.body).toMatchObject({ conditions: [{ field: "custom", operator: "is", value: ["nights>=5"] }], actions: [{ kind: "field", value: "reason=lost" }] });
});

it("puts the parts of what is asked of a field together as they were", () => {
  for (const said of ["tier=gold", "nights>=3", "nights<=3", "nights>3", "nights<3", "tier=", "tier", "note=a=b>c"]) expect(textOfTerm(termOf(said))).toBe(said);
  expect(textOfTerm({ key: "tier", sign: "is", typed: " " })).toBe("");
  expect(termOf("=gold").key).toBe("");
});

it("gives conditions and actions back as the server wants them", () => {
  expect(conditionOf(rowOf({ field: "account", operator: "is", value: [4, 5] }))).toEqual({ field: "account", operator: "is", value: [4, 5] });
  expect(conditionOf({ field: "text", operator: "any_of", values: ["a", "b"] })).toEqual({ field: "text", operator: "any_of", value: ["a", "b"] });
  expect(actionOf({ kind: "priority", value: "0" })).toEqual({ kind: "priority", value: 0 });
  expect(actionOf({ kind: "spam", value: "" })).toEqual({ kind: "spam", value: null });
  expect(actionOf({ kind: "hide", value: "25" })).toEqual({ kind: "hide", value: 25 });
  expect(sayAction({ kind: "hide", value: 25 })).toBe("Hide at the network (at most 25 an hour on an account)");
  expect(isWhole([], [{ kind: "hide", value: "" }])).toBe(false);
  expect(isWhole([{ field: "text", operator: "any_of", values: [] }], [{ kind: "spam", value: "" }])).toBe(false);
  expect(isWhole([], [{ kind: "label", value: "" }])).toBe(false);
  expect(isWhole([], [{ kind: "spam", value: "" }])).toBe(true);
  expect(split(" a, b ,, a\n c")).toEqual(["a", "b", "c"]);
});

it("shows a token's secret once", async () => {
  await open(Tokens);
  await fireEvent.click(button("Make a token"));
  await until(() => document.querySelector("form") !== null);
  await fireEvent.input(document.querySelector("form input") as HTMLInputElement, { target: { value: "Report" } });
  await fireEvent.submit(document.querySelector("form") as HTMLFormElement);
  const secret = (): string | undefined => [...document.querySelectorAll("input")].find((one) => one.readOnly)?.value;
  await until(() => secret() === "gch_NEW1.rehearsal-secret-shown-once", "no secret");
  await fireEvent.click(button("I have kept it"));
  await until(() => secret() === undefined);
  expect(document.body.innerHTML).not.toContain("rehearsal-secret");
});

it("keeps the form open and says at the field what was refused", async () => {
  await open(Labels);
  await fireEvent.click(button("Add a label"));
  await until(() => document.querySelector("form") !== null);
  const name = document.querySelector("form input") as HTMLInputElement;
  await fireEvent.input(name, { target: { value: "refund" } });
  await fireEvent.submit(document.querySelector("form") as HTMLFormElement);
  await until(() => name.getAttribute("aria-invalid") === "true", "not at its field");
  expect(document.getElementById(name.getAttribute("aria-describedby") ?? "")?.textContent).toBe("is taken");
  expect(name.value).toBe("refund");
});

it("lists what a person leaves when they are disabled", async () => {
  await open(People);
  const disable = [...document.querySelectorAll("button")].filter((one) => one.textContent?.trim() === "Disable");
  await fireEvent.click(disable[0] as HTMLButtonElement);
  await until(() => document.querySelector("form") !== null);
  await fireEvent.submit(document.querySelector("form") as HTMLFormElement);
  await until(() => document.body.textContent?.includes("3 conversations are back in the queues") ?? false, "no list");
  expect([...document.querySelectorAll('[role="dialog"] a')].map((one) => one.getAttribute("href"))).toContain("/inbox/5");
});

it("shows each person only the sections that are of use to them", async () => {
  serve({ before: (one) => (one.path === "/me" ? [200, { id: 2, name: "Jonas", initials: "JL", email: "j@example.com", role: "member", language: "en", time_zone: "UTC", presence: "online", can: ["staff.view"], csrf_token: "", preferences: {}, teams: [] }] : null) });
  await session.load();
  session.accounts = [];
  go("/settings/rules");
  render(Settings);
  const links = [...document.querySelectorAll("nav a")].map((one) => one.textContent);
  expect(links).toEqual(["My account", "Keyboard", "API tokens", "Staff", "Rights"]);
  expect(document.body.textContent).toContain("This section is not yours");
});

it("shows what lies in a team's queue as it changes", async () => {
  const team = { id: 1, name: "Technical", assignment: "manual", queue_order: "oldest", hourly_cap: 0, members: [], waiting: 2 };
  let heard: (() => void) | undefined;
  vi.spyOn(live, "onSoon").mockImplementation((types, act) => {
    if (types.includes("conversation")) heard = act;
    return () => (heard = undefined);
  });
  serve({ before: (one) => (one.path === "/teams" ? [200, { items: [team], next_cursor: null }] : null) });
  await session.load();
  const { unmount } = render(Teams);
  const says = (): string => document.querySelector(".rows li")?.textContent ?? "";
  await until(() => says().includes("2"), "the list did not load");
  team.waiting = 17;
  heard?.();
  await until(() => says().includes("17"), "it says the old number");
  unmount();
  expect(heard).toBeUndefined();
  vi.restoreAllMocks();
});
