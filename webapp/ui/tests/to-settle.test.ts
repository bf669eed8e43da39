/** Settling several: what is alike together, nothing chosen beforehand, and nothing linked that is not one thing each. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import ToSettle from "../src/pages/needs-you/ToSettle.svelte";
import { alikes, candidatesOf } from "../src/pages/needs-you/alike";
import { listNeeds } from "../src/lib/api/publishing";
import { session } from "../src/lib/session.svelte";
import { serve, until } from "./api";

const text = (): string => document.body.textContent ?? "";
const button = (name: string): HTMLButtonElement => [...document.querySelectorAll("button")].filter((one) => one.textContent?.trim() === name).at(-1) as HTMLButtonElement;
const heads = (): HTMLInputElement[] => [...document.querySelectorAll<HTMLInputElement>(".head input")];

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("puts together one account, one reason and the same evidence", async () => {
  serve();
  const groups = alikes((await listNeeds()).items);
  expect(groups.map((group) => [group.account.id, group.isStopped, group.items.length])).toEqual([[1, false, 1], [3, true, 1], [2, false, 2]]);
  expect(groups[0]?.looks).toEqual([{ what: "absent", times: 1 }, { what: "near", times: 1 }]);
  expect(groups[2]?.items.map((one) => candidatesOf(one)[0]?.remote_id)).toEqual(["301", "302"]);
});

it("links each to its own, once they are shown, and keeps what was refused with its reason", async () => {
  const { asked } = serve();
  await session.load();
  render(ToSettle);
  await until(() => heads().length === 3, "nothing is listed");
  expect(document.querySelectorAll("input:checked")).toHaveLength(0);
  expect(button("It is there: link it").disabled).toBe(true);
  await fireEvent.click(heads()[2] as HTMLInputElement);
  await until(() => !button("It is there: link it").disabled, "linking is not offered");
  await fireEvent.click(button("It is there: link it"));
  await until(() => document.querySelectorAll(".pairs li").length === 2, "what is linked to what is not shown");
  await fireEvent.click(button("It is there: link it (2)"));
  await until(() => text().includes("Somebody decided about it already"), "the refusal is not shown");
  expect(asked.find((one) => one.path === "/deliveries/resolve")?.body).toMatchObject({ choice: "link", deliveries: [{ id: 961, generation: 1, remote_id: "301" }, { id: 962, generation: 1, remote_id: "302" }] });
});

it("offers no linking where it would be a guess", async () => {
  serve();
  await session.load();
  render(ToSettle);
  await until(() => heads().length === 3, "nothing is listed");
  for (const head of heads()) await fireEvent.click(head);
  await until(() => text().includes("4 selected"));
  expect(button("It is there: link it").disabled).toBe(true);
  expect(button("Send it again").disabled).toBe(false);
});
