/** Accounts, against the made-up API: connecting, refusals at their field, and what was not understood. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import Accounts from "../src/pages/accounts/Accounts.svelte";
import { go, route } from "../src/lib/router.svelte";
import { session } from "../src/lib/session.svelte";
import { toasts } from "../src/lib/toasts.svelte";
import { serve, until, type Asked } from "./api";

async function open(path = "/accounts", before?: (asked: Asked) => [number, unknown] | null): Promise<ReturnType<typeof serve>> {
  const served = serve(before ? { before } : {});
  await session.load();
  await session.loadLists();
  go(path);
  render(Accounts);
  await until(() => document.querySelector("li .row") !== null, "no accounts");
  return served;
}
const button = (name: string, within: ParentNode = document): HTMLButtonElement => {
  const found = [...within.querySelectorAll("button")].find((one) => one.textContent?.replace(/\s+/g, " ").includes(name));
  if (!found) throw new Error(`no button ${name}`);
  return found;
};
const dialog = (): HTMLElement => document.querySelector('[role="dialog"]') as HTMLElement;

async function choose(network: string): Promise<void> {
  await fireEvent.click(button("Connect an account"));
  await until(() => dialog()?.querySelector("li button") !== null, "no networks");
  await fireEvent.click(button(network, dialog()));
  await until(() => dialog().querySelector("form") !== null, "the form did not open");
}

afterEach(() => {
  cleanup();
  toasts.length = 0;
  vi.unstubAllGlobals();
});

it("keeps the network that was chosen", async () => {
  await open();
  await choose("Mastodon");
  await new Promise((done) => setTimeout(done, 50));
  expect(dialog().querySelector("form")).not.toBeNull();
  expect(dialog().textContent).toContain("Connect to Mastodon");
});

it("says at its field what the network refused, and keeps what was typed", async () => {
  const { asked } = await open("/accounts", (one) => (one.path === "/accounts/connect" ? [422, { title: "Invalid", status: 422, code: "rejected", detail: "no", errors: [{ field: "form.password", message: "is not right" }] }] : null));
  await choose("Bluesky");
  const password = document.getElementById("connect-password") as HTMLInputElement;
  await fireEvent.input(password, { target: { value: "app-password" } });
  await fireEvent.submit(dialog().querySelector("form") as HTMLFormElement);
  await until(() => password.getAttribute("aria-invalid") === "true", "not at its field");
  expect(document.getElementById("connect-password-wrong")?.textContent).toBe("is not right");
  expect(password.value).toBe("app-password");
  expect(asked.find((one) => one.path === "/accounts/connect")?.body).toMatchObject({ network: "bluesky", form: { password: "app-password" } });
});

it("says which account was connected when one comes back from the network", async () => {
  await open("/accounts?connected=2");
  await until(() => toasts.length === 1, "nothing said");
  expect(toasts[0]?.text).toBe("@northline@social.example is connected.");
  expect(route.query.has("connected")).toBe(false);
});

it("shows what was not understood and has it tried again", async () => {
  const { asked } = await open();
  await fireEvent.click(button("Health"));
  await until(() => document.querySelector("details") !== null, "no dead letters");
  const details = document.querySelector("details") as HTMLDetailsElement;
  details.open = true;
  await fireEvent(details, new Event("toggle"));
  await until(() => document.querySelector("pre") !== null, "no original");
  expect(document.querySelector("pre")?.textContent).toContain("mention");
  await fireEvent.click(button("Try once more"));
  await until(() => asked.some((one) => one.path === "/dead-letters/901/replay"));
});

it("says what was refused at its webhook address, and what to do about it", async () => {
  await open();
  await fireEvent.click(button("Health"));
  await until(() => document.body.textContent?.includes("12 deliveries whose signature does not hold") ?? false, "nothing refused");
  expect(document.body.textContent).toContain("1 delivery for an account that is not connected here");
  expect(document.body.textContent).toContain("check the application’s keys");
});

it("says how it was compared with the network, and asks for it again", async () => {
  const { asked } = await open();
  await fireEvent.click(button("Health"));
  await until(() => document.body.textContent?.includes("2 differences to look at") ?? false, "no comparison");
  expect(document.body.textContent).toContain("12 posts stood there; all of it was read.");
  await fireEvent.click(button("Compare now"));
  await until(() => asked.some((one) => one.path === "/accounts/1/compare"));
  const daily = (): HTMLInputElement => document.querySelector('section input[type="checkbox"]') as HTMLInputElement;
  await until(() => !daily().disabled);
  await fireEvent.click(daily());
  await until(() => asked.some((one) => one.method === "PATCH" && JSON.stringify(one.body) === '{"compares":false}'));
});

it("disconnects only after its consequence was read", async () => {
  const { asked } = await open();
  await fireEvent.click(button("Disconnect"));
  await until(() => dialog()?.textContent?.includes("forgets its access") ?? false, "no consequence");
  expect(asked.filter((one) => one.path.endsWith("/disconnect"))).toEqual([]);
  await fireEvent.click(button("Disconnect", dialog()));
  await until(() => asked.some((one) => one.path === "/accounts/1/disconnect"));
});
