/** Alerts, against the made-up API: who is called sees it on every page and says that they see to it; setting up shows a secret once. */
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import AlertBand from "../src/frame/AlertBand.svelte";
import { alerts } from "../src/lib/alerts.svelte";
import { session } from "../src/lib/session.svelte";
import OnCall from "../src/pages/settings/OnCall.svelte";
import { serve, until } from "./api";

const button = (name: string): HTMLButtonElement => {
  const found = [...document.querySelectorAll("button")].find((one) => (one.getAttribute("aria-label") ?? one.textContent?.trim()) === name);
  if (!found) throw new Error(`no button ${name}`);
  return found;
};

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("shows what calls oneself and nothing else, until one sees to it", async () => {
  const { asked } = serve({ before: (one) => (one.path.endsWith("/acknowledge") ? [200, { acknowledged_by: { id: 1, name: "Ada", initials: "A" } }] : null) });
  await alerts.read();
  render(AlertBand);
  expect(document.querySelector(".band")).toBeNull();
  alerts.open = alerts.open.map((one) => ({ ...one, calls_me: true }));
  await until(() => document.querySelector(".band")?.textContent?.includes("a flood of messages (240)") ?? false, "no band");
  await fireEvent.click(button("I see to it"));
  await until(() => document.querySelector(".band") === null, "the band stayed");
  expect(asked.some((one) => one.method === "POST" && one.path === "/alerts/7/acknowledge")).toBe(true);
});

it("says whom a brand calls, and sends a policy as it stands", async () => {
  const { asked } = serve();
  await session.load();
  await session.loadLists();
  render(OnCall);
  await until(() => document.querySelector(".rows li")?.textContent?.includes("Whose week it is in a team: Travel disruption") ?? false, "no step");
  await fireEvent.click(button("Edit: At night"));
  await until(() => document.querySelector('[role="dialog"] input[type="number"]') !== null, "no form");
  await fireEvent.submit(document.querySelector('[role="dialog"] form') as HTMLFormElement);
  await until(() => asked.some((one) => one.method === "PATCH"), "not sent");
  const sent = asked.find((one) => one.method === "PATCH")?.body as { events: unknown[]; steps: unknown[] };
  expect(sent.events).toEqual([{ kind: "broken" }, { kind: "flood", minutes: 5, count: 100 }]);
  expect(sent.steps).toHaveLength(2);
});
