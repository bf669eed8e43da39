/** The made-up API behind `fetch`: components are tested at the wire, never by replacing our own modules. */
import { vi } from "vitest";
import { answer } from "../fixtures/routes.mjs";
import { makeWorld } from "../fixtures/world.mjs";

export interface Asked {
  method: string;
  path: string;
  body: Record<string, unknown>;
  headers: Headers;
}

export type World = ReturnType<typeof makeWorld>;

/** Puts a world behind fetch. `before` may answer first, or throw to be a network that is down. */
export function serve(options: { before?: (asked: Asked) => [number, unknown] | null; empty?: boolean } = {}): { world: World; asked: Asked[] } {
  const world = makeWorld(Date.now(), { empty: options.empty ?? false });
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", (address: string, init: RequestInit = {}) => {
    const url = new URL(address, "http://guichet.test");
    const one: Asked = {
      method: init.method ?? "GET",
      path: url.pathname.slice("/api/v1".length),
      body: typeof init.body === "string" ? (JSON.parse(init.body) as Record<string, unknown>) : {},
      headers: new Headers(init.headers),
    };
    asked.push(one);
    const [status, body] = options.before?.(one) ?? (answer(world, one.method, one.path, url.searchParams, one.body) as [number, unknown]);
    return Promise.resolve(new Response(status === 204 ? null : JSON.stringify(body), { status }));
  });
  vi.stubGlobal("EventSource", class { static OPEN = 1; static CLOSED = 2; readyState = 1; addEventListener(): void {} close(): void {} });
  return { world, asked };
}

export async function until(holds: () => boolean, what = "it did not happen"): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (holds()) return;
    await new Promise((done) => setTimeout(done, 5));
  }
  throw new Error(`${what}\n${document.body.textContent?.replace(/\s+/g, " ").slice(0, 600)}`);
}
