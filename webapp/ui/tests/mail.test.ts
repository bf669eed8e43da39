/** Mails as they look: the switch that is remembered, and pictures that the page gets and puts into the frame. */
import { expect, it, vi } from "vitest";
import type { MailPicture } from "$lib/api/types";
import { heightOf, passOnKeys, putPictures, type Shown } from "../src/pages/inbox/mail";

const picture = (place: number): MailPicture => ({ place, url: `/api/v1/pictures/${place}`, remote: true, attachment_id: null });

function page(html: string): Document {
  const made = document.implementation.createHTMLDocument("a mail");
  made.body.innerHTML = html;
  return made;
}

function serve(answers: Record<string, (tries: number) => Response>): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    const answer = answers[url.split("/").at(-1) ?? ""];
    return Promise.resolve(answer ? answer(asked.filter((one) => one === url).length) : new Response("{}", { status: 404 }));
  });
  return asked;
}

const problem = (status: number, code: string): Response => new Response(JSON.stringify({ title: code, status, code }), { status });

it("puts each picture wherever the mail shows it, and leaves its words where it cannot be had", async () => {
  const here = page('<img data-picture="0" alt="hat"><img data-picture="0"><img data-picture="1" alt="map"><img data-picture="2">');
  const asked = serve({ 0: () => new Response("a"), 1: () => problem(422, "invalid"), 2: () => problem(422, "shows_nothing") });
  const told: Shown[] = [];
  const made = await putPictures(here, [0, 1, 2].map(picture), new AbortController().signal, (shown) => told.push(shown));
  const images = [...here.querySelectorAll("img")];
  expect(images.map((one) => [one.getAttribute("data-picture"), one.getAttribute("src")])).toEqual([["0", made.get(0)], ["0", made.get(0)], ["1", null]]);
  expect(images[2]?.alt).toBe("map");
  expect([...made.keys()]).toEqual([0]);
  expect(made.get(0)).toMatch(/^blob:/);
  expect(told.at(-1)).toEqual({ done: 3, missing: 1 });
  expect(asked).toHaveLength(3);
});

it("asks again where the server has no place for it now, and gives up in the end", async () => {
  vi.useFakeTimers();
  const asked = serve({ 0: (tries) => (tries < 3 ? problem(503, "busy") : new Response("a")), 1: () => problem(503, "busy") });
  const told: Shown[] = [];
  const done = putPictures(page('<img data-picture="0"><img data-picture="1">'), [0, 1].map(picture), new AbortController().signal, (shown) => told.push(shown));
  await vi.advanceTimersByTimeAsync(15_000);
  expect([...(await done).keys()]).toEqual([0]);
  expect(told.at(-1)).toEqual({ done: 2, missing: 1 });
  expect(asked.filter((one) => one.endsWith("/0"))).toHaveLength(3);
  expect(asked.length).toBeLessThan(12);
  vi.useRealTimers();
});

it("asks for three at once, of all the mails on the page together", async () => {
  const open: (() => void)[] = [];
  // What a page of another test still asks for is answered at once, and not counted.
  vi.stubGlobal("fetch", (url: string) => (url.includes("/pictures/") ? new Promise((resolve) => open.push(() => resolve(new Response("a")))) : Promise.resolve(new Response("{}"))));
  const here = page("");
  const all = [0, 1].map((mail) => putPictures(here, [0, 1, 2, 3].map((n) => picture(10 * mail + n)), new AbortController().signal, () => undefined));
  let most = 0;
  for (let answered = 0; answered < 8; answered += 1) {
    await vi.waitUntil(() => open.length > 0);
    most = Math.max(most, open.length);
    open.shift()?.();
  }
  expect((await Promise.all(all)).map((made) => made.size)).toEqual([4, 4]);
  expect(most).toBe(3);
});

it("asks for nothing more once the conversation is left", async () => {
  const asked = serve({ 0: () => new Response("a") });
  const leaving = new AbortController();
  leaving.abort();
  expect(await putPictures(page('<img data-picture="0">'), [picture(0)], leaving.signal, () => undefined)).toEqual(new Map());
  expect(asked).toEqual([]);
});

it("is as tall as what is in it, within reason", () => {
  const here = page("<p>a</p>");
  const tall = (height: number, wide = 0): void => {
    here.documentElement.getBoundingClientRect = () => ({ height }) as DOMRect;
    Object.defineProperties(here.documentElement, { scrollWidth: { value: wide, configurable: true }, clientWidth: { value: 100, configurable: true } });
  };
  tall(300.2);
  expect(heightOf(here)).toBe(301);
  tall(300, 900);
  expect(heightOf(here)).toBe(316);
  tall(1_000_000);
  expect(heightOf(here)).toBe(6000);
});

it("hands single keys to the page, and keeps what moves, presses and copies in the frame", () => {
  const here = page('<a href="https://a.example/">a</a>');
  passOnKeys(here);
  const [heard, link] = [[] as string[], here.body.firstElementChild];
  const hear = (event: KeyboardEvent): void => void (event.target !== link && heard.push(event.key));
  window.addEventListener("keydown", hear);
  for (const [key, more] of [["r", {}], ["Tab", {}], ["Enter", {}], [" ", {}], ["c", { ctrlKey: true }], ["k", { ctrlKey: true }], ["ArrowDown", {}], ["?", { shiftKey: true }]] as const)
    link?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
  window.removeEventListener("keydown", hear);
  expect(heard).toEqual(["r", "k", "?"]);
});
