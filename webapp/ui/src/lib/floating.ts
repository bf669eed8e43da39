/**
 * Where menus and pickers open: inside the page's main landmark, so that a reader of landmarks
 * meets them. A dialog makes the rest of the page unreachable, so its own open beside it.
 */
export function floatingPlace(): HTMLElement {
  if (document.querySelector(".dialog")) return document.body;
  return document.getElementById("floating") ?? document.body;
}
