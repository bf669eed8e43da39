/** What every call carries, and how its failures look. */
import { afterEach, expect, it, vi } from "vitest";
import { api, ApiError, useCsrfToken, whenSignedOut } from "../src/lib/api/client";

const calls: { url: string; init: RequestInit }[] = [];

function network(reply: () => Response | Promise<Response>): void {
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    calls.push({ url, init });
    return Promise.resolve().then(reply);
  });
}

afterEach(() => {
  calls.length = 0;
  vi.unstubAllGlobals();
});

it("sends the CSRF token and an idempotency key with a POST, neither with a GET", async () => {
  network(() => Response.json({}));
  useCsrfToken("t0ken");
  await api.post("/a", {});
  await api.get("/b", { q: "é", none: null, many: [1, 2] });
  const [post, get] = calls.map((call) => new Headers(call.init.headers));
  expect(post?.get("X-CSRF-Token")).toBe("t0ken");
  expect(post?.get("Idempotency-Key")).toMatch(/^[0-9a-f-]{36}$/);
  expect(get?.has("X-CSRF-Token")).toBe(false);
  expect(calls[1]?.url).toBe("/api/v1/b?q=%C3%A9&many=1&many=2");
});

it("turns a problem document into an error with its detail and fields", async () => {
  network(() => Response.json({ title: "Unprocessable", status: 422, detail: "too long", code: "invalid", errors: [{ field: "text", message: "is too long" }] }, { status: 422 }));
  const error = await api.post("/a").catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 422, message: "too long", passing: false, problem: { code: "invalid" } });
});

it("is a passing error when there is no network, and when a proxy answers with a page", async () => {
  network(() => {
    throw new TypeError("failed");
  });
  expect(await api.get("/a").catch((failure: unknown) => failure)).toMatchObject({ status: 0, passing: true });
  network(() => new Response("<h1>Bad gateway</h1>", { status: 502 }));
  expect(await api.get("/a").catch((failure: unknown) => failure)).toMatchObject({ status: 502, passing: true });
});

it("tells the page when the session has ended", async () => {
  const told = vi.fn();
  whenSignedOut(told);
  network(() => Response.json({ title: "Unauthorized", status: 401 }, { status: 401 }));
  await api.get("/me").catch(() => undefined);
  expect(told).toHaveBeenCalledOnce();
});
