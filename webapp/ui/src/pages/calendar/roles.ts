/**
 * The grid calls itself a table without being built like one, which makes screen readers say
 * nonsense; its list is one without items when it is empty. Those roles are taken off as it
 * draws; what is left reads in order.
 */
const WRONG = '[role="table"],[role="row"],[role="rowgroup"],[role="columnheader"],[role="rowheader"],[role="cell"],[role="list"],[role="listitem"]';

export function quietRoles(node: HTMLElement): () => void {
  const strip = (): void => {
    node.querySelectorAll(WRONG).forEach((one) => one.removeAttribute("role"));
    for (const name of ["aria-colindex", "aria-rowindex", "aria-colcount", "aria-rowcount"]) {
      node.querySelectorAll(`[${name}]`).forEach((one) => one.removeAttribute(name));
    }
    // The days of the list stand under the page's second heading, not under a third.
    node.querySelectorAll("h4:not([aria-level])").forEach((one) => {
      one.setAttribute("role", "heading");
      one.setAttribute("aria-level", "3");
    });
  };
  const watcher = new MutationObserver(strip);
  watcher.observe(node, { subtree: true, childList: true, attributes: true, attributeFilter: ["role", "aria-colindex"] });
  strip();
  return () => watcher.disconnect();
}
