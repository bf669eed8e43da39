/**
 * The grid calls itself a table without being built like one, which makes screen readers say
 * nonsense. Its roles of a table are taken off as it draws; what is left reads in order.
 */
const WRONG = '[role="table"],[role="row"],[role="rowgroup"],[role="columnheader"],[role="rowheader"],[role="cell"]';

export function quietRoles(node: HTMLElement): () => void {
  const strip = (): void => node.querySelectorAll(WRONG).forEach((one) => one.removeAttribute("role"));
  const watcher = new MutationObserver(strip);
  watcher.observe(node, { subtree: true, childList: true, attributes: true, attributeFilter: ["role"] });
  strip();
  return () => watcher.disconnect();
}
