/**
 * Addresses of the application: /page, /page/id, and a query. Plain links work (middle click,
 * copy, reload); this only saves the reload.
 */
export const PAGES = ["inbox", "compose", "calendar", "needs-you", "numbers", "accounts", "settings", "import", "library", "queues", "customers", "alerts", "bulk-replies"] as const;
export type PageName = (typeof PAGES)[number];

class Route {
  page: PageName | null = $state("inbox");
  /** Whatever stands between the page's name and the query: ["42"], ["rules", "7"]. */
  parts: string[] = $state([]);
  query: URLSearchParams = $state(new URLSearchParams());
}

export const route = new Route();
const before: (() => boolean)[] = [];

function read(): void {
  const [page = "inbox", ...parts] = location.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  route.page = (PAGES as readonly string[]).includes(page) ? (page as PageName) : null;
  route.parts = parts;
  route.query = new URLSearchParams(location.search);
}

/** A page with unsaved work registers here; answering false keeps the person where they are. */
export function askBeforeLeaving(ask: () => boolean): () => void {
  before.push(ask);
  return () => void before.splice(before.indexOf(ask), 1);
}

export function go(to: string, { replace = false } = {}): void {
  const target = new URL(to, location.href);
  if (target.pathname !== location.pathname && !before.every((ask) => ask())) return;
  if (target.href !== location.href) history[replace ? "replaceState" : "pushState"]({}, "", target);
  read();
}

/** Changes some of the query in place; null or "" removes a name. */
export function setQuery(changes: Record<string, string | null>): void {
  const target = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value) target.searchParams.set(name, value);
    else target.searchParams.delete(name);
  }
  go(target.href, { replace: true });
}

function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
  if (link.origin !== location.origin) return;
  const first = link.pathname.split("/")[1] ?? "";
  if (first !== "" && !(PAGES as readonly string[]).includes(first)) return;
  event.preventDefault();
  go(link.href);
}

export function startRouter(): void {
  read();
  addEventListener("popstate", read);
  document.addEventListener("click", onClick);
}
