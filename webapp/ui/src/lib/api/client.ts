/**
 * The one way to the JSON API. It adds what every call needs (the CSRF token, an
 * idempotency key on POST), turns problem documents into `ApiError`, and never throws
 * anything else: a network that is down is an `ApiError` with status 0.
 */
import type { Problem } from "./types";

export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.name = "ApiError";
    this.problem = problem;
  }

  get status(): number {
    return this.problem.status;
  }

  /** True when trying the same again may help: nothing was decided by the server. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export type Query = Record<string, string | number | boolean | null | undefined | readonly (string | number)[]>;

let csrf = "";
let onSignedOut: () => void = () => undefined;

export function useCsrfToken(token: string): void {
  csrf = token;
}

/** What to do when the session has ended while the page is open. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    if (Array.isArray(value)) for (const one of value) search.append(name, String(one));
    else search.set(name, String(value));
  }
  const tail = search.toString();
  return `/api/v1${path}${tail ? `?${tail}` : ""}`;
}

/** Characters of a body. Browsers let 64 KiB on their way outlive their page, all bodies together. */
const OUTLIVES = 10_000;

interface Asking {
  query?: Query;
  body?: unknown;
  /** Reused when a person presses the same button again after a doubt. Empty: what may as well happen twice. */
  key?: string;
  signal?: AbortSignal;
}

async function ask<T>(method: string, path: string, asking: Asking = {}): Promise<T> {
  const headers = new Headers({ Accept: "application/json" });
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: asking.signal ?? null };
  if (method !== "GET") headers.set("X-CSRF-Token", csrf);
  if (method === "POST" && asking.key !== "") headers.set("Idempotency-Key", asking.key ?? crypto.randomUUID());
  if (asking.body instanceof FormData) {
    init.body = asking.body;
  } else if (asking.body !== undefined) {
    headers.set("Content-Type", "application/json");
    init.body = JSON.stringify(asking.body);
    // What is kept while one writes arrives though the page is closed meanwhile.
    init.keepalive = method !== "POST" && init.body.length < OUTLIVES;
  }
  const response = await reach(address(path, asking.query), init);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await globalThis.fetch(url, init);
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError({ title: "offline", status: 0 });
  }
  if (response.status === 401) onSignedOut();
  if (!response.ok) throw new ApiError(await readProblem(response));
  return response;
}

/** What is behind an address that the API gave, as it is. */
export async function getFile(url: string, signal: AbortSignal): Promise<Blob> {
  const response = await reach(url, { credentials: "same-origin", signal });
  return response.blob();
}

/** Sends a form with files and tells how much of it has gone, from 0 to 1: fetch tells nobody. */
export function upload<T>(path: string, form: FormData, onprogress: (part: number) => void, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const asking = new XMLHttpRequest();
    asking.open("POST", address(path));
    asking.responseType = "json";
    for (const [name, value] of [["Accept", "application/json"], ["X-CSRF-Token", csrf], ["Idempotency-Key", crypto.randomUUID()]] as const) asking.setRequestHeader(name, value);
    asking.upload.onprogress = (event) => onprogress(event.lengthComputable ? event.loaded / event.total : 0);
    asking.onerror = () => reject(new ApiError({ title: "offline", status: 0 }));
    asking.onload = () => {
      if (asking.status === 401) onSignedOut();
      const told = asking.response as (T & Partial<Problem>) | null;
      if (asking.status < 300 && told) resolve(told);
      else reject(new ApiError({ ...told, title: told?.title ?? asking.statusText, status: asking.status }));
    };
    signal?.addEventListener("abort", () => asking.abort());
    asking.send(form);
  });
}

async function readProblem(response: Response): Promise<Problem> {
  try {
    const told = (await response.json()) as Partial<Problem>;
    return { ...told, title: told.title ?? response.statusText, status: response.status };
  } catch {
    return { title: response.statusText || String(response.status), status: response.status };
  }
}

export const api = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
    ask<T>("GET", path, { ...(query && { query }), ...(signal && { signal }) }),
  post: <T>(path: string, body: unknown = {}, key?: string): Promise<T> =>
    ask<T>("POST", path, { body, ...(key !== undefined && { key }) }),
  put: <T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> => ask<T>("PUT", path, { body, ...(signal && { signal }) }),
  patch: <T>(path: string, body: unknown): Promise<T> => ask<T>("PATCH", path, { body }),
  remove: <T>(path: string): Promise<T> => ask<T>("DELETE", path),
};
