/** Deciding about several at once: as they were read, in one act, and what is refused stands there with its reason. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import ToApprove from "../src/pages/needs-you/ToApprove.svelte";
import { wordingsOf } from "../src/pages/needs-you/reading";
import { changePost } from "../src/lib/api/publishing";
import { listApprovals } from "../src/lib/api/approvals";
import { live } from "../src/lib/live.svelte";
import { session } from "../src/lib/session.svelte";
import { serve, until } from "./api";

const text = (): string => document.body.textContent ?? "";
const button = (name: string): HTMLButtonElement => [...document.querySelectorAll("button")].filter((one) => one.textContent?.trim() === name).at(-1) as HTMLButtonElement;
const boxes = (): HTMLInputElement[] => [...document.querySelectorAll<HTMLInputElement>("li input[type=checkbox]")];

async function open(): Promise<ReturnType<typeof serve>> {
  const served = serve();
  await session.load();
  await session.loadLists();
  render(ToApprove);
  await until(() => boxes().length === 3, "the posts are not listed");
  return served;
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("approves what is selected in one request, each with the version that is shown", async () => {
  const { asked } = await open();
  await fireEvent.click(document.querySelector(".all input") as HTMLInputElement);
  await fireEvent.click(button("Approve 3"));
  await until(() => text().includes("exactly as you read it"), "nothing is asked");
  await fireEvent.click(button("Approve 3"));
  await until(() => text().includes("Somebody changed it since you read it"), "the refusal is not shown");
  const sent = asked.filter((one) => one.path === "/approvals/decide");
  expect(sent).toHaveLength(1);
  expect(sent[0]?.body).toMatchObject({ choice: "approve" });
  expect((sent[0]?.body["posts"] as { version: number }[]).every((one) => one.version >= 1)).toBe(true);
  expect(boxes()).toHaveLength(1);
  expect(boxes()[0]?.checked).toBe(false);
});

it("lets go of a post that changes under the reader's eyes, and says so", async () => {
  await open();
  for (const box of boxes().slice(0, 2)) await fireEvent.click(box);
  await until(() => text().includes("2 selected"));
  const [first] = (await listApprovals()).items;
  await changePost(first?.post.id ?? 0, { version: 1, text: "Another thing." });
  live.retry(); // as after an outage: everything is read again
  await until(() => text().includes("read it again"), "the change was not noticed");
  expect(boxes().map((box) => box.checked)).toEqual([false, true, false]);
});

it("sends back only with a reason", async () => {
  const { asked } = await open();
  await fireEvent.click(boxes()[0] as HTMLInputElement);
  await fireEvent.click(button("Send back 1"));
  await until(() => text().includes("its author reads why"), "nothing is asked");
  expect(button("Send back 1").disabled).toBe(true);
  await fireEvent.input(document.querySelector("input.input") as HTMLInputElement, { target: { value: "say which train" } });
  await fireEvent.click(button("Send back 1"));
  await until(() => asked.some((one) => one.path === "/approvals/decide"));
  expect(asked.find((one) => one.path === "/approvals/decide")?.body).toMatchObject({ choice: "reject", reason: "say which train" });
});

it("shows each wording once, with the accounts that get it", async () => {
  serve();
  const one = (await listApprovals()).items.find((each) => each.accounts.length > 1 && each.post.variants.every((variant) => variant.media_ids === null));
  if (!one) throw new Error("the fixtures hold nothing to approve");
  const common = { ...one, post: { ...one.post, variants: one.post.variants.map((variant) => ({ ...variant, text: null })) } };
  const [first] = common.post.variants;
  const alone = { ...one, post: { ...one.post, variants: common.post.variants.map((variant) => (variant === first ? { ...variant, text: "only here" } : variant)) } };
  expect(wordingsOf(common)).toHaveLength(1);
  expect(wordingsOf(alone).map(({ accounts, whole }) => [accounts.length, whole.pieces[0]?.text])).toEqual([[1, "only here"], [one.accounts.length - 1, one.post.text]]);
});
