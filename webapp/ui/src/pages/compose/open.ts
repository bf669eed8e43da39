import type { Post } from "$lib/api/types";

const OPEN: ReadonlySet<Post["state"]> = new Set(["draft", "awaiting_approval", "scheduled", "held"]);

/** Whether it is still to go out: where it may not be changed or moved, that is for want of a right. */
export function isOpen(post: Post): boolean {
  return OPEN.has(post.state);
}
