/** Custom fields beside a conversation: kept as they are left, taken back where refused; asked for before closing. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { FilledField } from "../src/lib/api/types";
import { go } from "../src/lib/router.svelte";
import { session } from "../src/lib/session.svelte";
import { panes } from "../src/pages/inbox/panes.svelte";
import { box } from "../src/pages/inbox/box.svelte";
import { gate } from "../src/pages/inbox/gate.svelte";
import Inbox from "../src/pages/inbox/Inbox.svelte";
import { talk } from "../src/pages/inbox/talk.svelte";
import { asKey, choicesIn, linesOf } from "../src/pages/settings/choices";
import { serve, until, type Asked } from "./api";
import { withoutLayout } from "./layout";

const code: FilledField = { id: 7, subject: "conversation", key: "code", name: "Booking code", kind: "text", mask: "AAA999", least: "", most: "", choices: [], required: true, value: null };
const held: Record<string, unknown> = {};
const lacking = { title: "Conflict", status: 409, code: "fields_lacking", detail: "to be filled in before it is closed: Booking code", current: { fields: [{ id: 7, key: "code", name: "Booking code", subject: "conversation" }] } };

function server(one: Asked): [number, unknown] | null {
  if (one.path === "/conversations/1/fields") {
    const given = (one.body["values"] as Record<string, string>)["code"] ?? "";
    if (!/^[A-Z]{3}\d{3}$/.test(given)) return [422, { title: "no", status: 422, code: "invalid", detail: "this cannot be filled in so", errors: [{ field: "values.code", message: "must have the form AAA999" }] }];
    held["code"] = given;
    return [200, { fields: [{ ...code, value: given }] }];
  }
  if (one.path === "/conversations/1/resolve" && !held["code"]) return [409, lacking];
  return null;
}

let asked: Asked[];
beforeEach(async () => {
  withoutLayout();
  delete held["code"];
  const served = serve({ before: server });
  asked = served.asked;
  Object.assign(served.world.conversations.find((one) => one.id === 1) as object, { fields: [code] });
  history.replaceState({}, "", "/inbox/1?view=open");
  go("/inbox/1?view=open", { replace: true });
  await session.load();
  await session.loadLists();
  if (!panes.customerShown) panes.toggleCustomer();
  render(Inbox);
  await until(() => !box.loading && input() !== undefined, "the field did not show");
});
afterEach(() => {
  cleanup();
  gate.leave();
  talk.shut();
  vi.unstubAllGlobals();
});

const input = (within: ParentNode = document): HTMLInputElement => [...within.querySelectorAll("label")].find((one) => one.textContent?.includes("Booking code"))?.control as HTMLInputElement;
const sent = (): unknown[] => asked.filter((one) => one.path === "/conversations/1/fields").map((one) => one.body["values"]);

it("keeps a field as it is left, and what was typed where it is refused", async () => {
  await fireEvent.change(input(), { target: { value: "nonsense" } });
  await until(() => document.body.textContent?.includes("must have the form AAA999") ?? false);
  expect(input().value).toBe("nonsense");
  expect(input().getAttribute("aria-invalid")).toBe("true");
  await fireEvent.change(input(), { target: { value: "ABC123" } });
  await until(() => talk.conversation?.fields[0]?.value === "ABC123");
  await tick();
  expect(input().getAttribute("aria-invalid")).toBe(null);
  expect(sent()).toEqual([{ code: "nonsense" }, { code: "ABC123" }]);
});

it("asks for what is lacking before it closes, and then closes", async () => {
  const { close } = await import("../src/pages/inbox/acts.svelte");
  const row = box.find(1) ?? talk.conversation;
  if (!row) throw new Error("no row");
  const closing = close([row], "answered");
  await until(() => document.querySelector("[role=dialog]") !== null);
  const dialog = document.querySelector("[role=dialog]") as HTMLElement;
  await until(() => input(dialog) === document.activeElement, "the first field has not the focus");
  input(dialog).value = "ABC123";
  await fireEvent.submit(dialog.querySelector("form") as HTMLFormElement);
  expect(await closing).toBe(true);
  expect(sent()).toEqual([{ code: "ABC123" }]);
  expect(asked.filter((one) => one.path === "/conversations/1/resolve").length).toBe(2);
});

it("reads choices from lines and writes them again", () => {
  const found = choicesIn("lost: Lost bag\n\n Été indien \nÀ: côté");
  expect(found).toEqual([{ key: "lost", name: "Lost bag" }, { key: "ete_indien", name: "Été indien" }, { key: "a_cote", name: "À: côté" }]);
  expect(choicesIn(linesOf(found))).toEqual(found);
  expect([asKey("Booking code"), asKey("3 days"), asKey("…")]).toEqual(["booking_code", "f_3_days", ""]);
});
