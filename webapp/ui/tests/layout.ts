/** What a page asks of a browser that has a layout, where there is none: nothing is ever scrolled or resized. */
import { vi } from "vitest";

export function withoutLayout(): void {
  HTMLElement.prototype.scrollTo = () => undefined;
  HTMLElement.prototype.scrollIntoView = () => undefined;
  for (const observer of ["ResizeObserver", "IntersectionObserver"]) vi.stubGlobal(observer, class { observe(): void {} disconnect(): void {} });
}
