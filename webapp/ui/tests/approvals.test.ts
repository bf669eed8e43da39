/** Approvals: what is decided is what was read, with a word where it goes back; a part that fails holds back no other. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import Approval from "../src/pages/compose/Approval.svelte";
import Away from "../src/pages/settings/Away.svelte";
import { getPost } from "../src/lib/api/publishing";
import { session } from "../src/lib/session.svelte";
import { serve, until, type Asked } from "./api";

const WAITING = 3; // the post of the fixtures that waits for somebody

async function open(before?: (asked: Asked) => [number, unknown] | null): Promise<ReturnType<typeof serve>> {
  const served = serve(before ? { before } : {});
  await session.load();
  await session.loadLists();
  return served;
}
function button(name: string): HTMLButtonElement {
  const found = [...document.querySelectorAll("button")].find((one) => one.textContent?.trim() === name);
  if (!found) throw new Error(`no button ${name}`);
  return found;
}
const shows = (words: string): boolean => document.body.textContent?.includes(words) ?? false;

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("approves the version that was read, and sends back only with a word", async () => {
  const { asked } = await open();
  const post = await getPost(WAITING);
  render(Approval, { post, onchanged: () => undefined });
  await until(() => shows("It is your turn to decide."), "the approval did not load");
  expect(shows("Step 2 of 2: Client")).toBe(true);
  expect(button("Send back").disabled).toBe(true);
  await fireEvent.input(document.querySelector("textarea") as HTMLTextAreaElement, { target: { value: "say which station" } });
  expect(button("Send back").disabled).toBe(false);
  await fireEvent.click(button("Approve"));
  await until(() => asked.some((one) => one.path === `/posts/${WAITING}/approve`), "nothing was approved");
  await until(() => document.querySelector("textarea")?.value === "", "what was said stands there still");
  expect(asked.find((one) => one.path === `/posts/${WAITING}/approve`)?.body).toMatchObject({ version: post.version, reason: "say which station" });
});

it("shows the versions though the history is refused, and says so in its place", async () => {
  await open((one) => (one.path.endsWith("/history") ? [403, { title: "Forbidden", status: 403, code: "not_allowed" }] : null));
  render(Approval, { post: await getPost(WAITING), onchanged: () => undefined });
  await until(() => shows("Versions"), "the versions were held back");
  expect(document.querySelector('[role="alert"]')).not.toBeNull();
});

it("says until when somebody is away, and that they are back", async () => {
  const { asked } = await open();
  render(Away);
  await fireEvent.click(button("Say that I am away"));
  await until(() => shows("You are away until"), "the absence was not kept");
  const sent = asked.find((one) => one.method === "PATCH")?.body["absent_until"];
  expect(Date.parse(String(sent))).toBeGreaterThan(Date.now());
  await fireEvent.click(button("I am back"));
  await until(() => shows("Say that I am away"), "they are still away");
  expect(asked.filter((one) => one.method === "PATCH").at(-1)?.body).toEqual({ absent_until: null });
});
