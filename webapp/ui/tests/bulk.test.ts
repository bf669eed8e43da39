/** One answer to many: how long it takes, and when it is over. */
import { expect, it } from "vitest";
import type { BulkReply, BulkRow } from "../src/lib/api/types";
import { isMoving, letGo, minutesOf } from "../src/pages/bulk-replies/bulk.svelte";

const row = (account: number, state: BulkRow["state"] = "ready"): BulkRow => ({ state, conversation: { account: { id: account } } }) as BulkRow;
const reply = (rows: Record<string, number>, state: BulkReply["state"] = "running"): BulkReply => ({ rows, state, total: Object.values(rows).reduce((a, b) => a + b, 0) }) as BulkReply;

it("takes as long as the account with most answers", () => {
  const rows = [...Array.from({ length: 41 }, () => row(1)), ...Array.from({ length: 11 }, () => row(2)), row(1, "kept_back")];
  expect(minutesOf(rows, 10)).toBe(4);
  expect(minutesOf([], 10)).toBe(0);
});

it("is on its way while anything waits, and counts what was let go", () => {
  expect(isMoving(reply({ sent: 2, waiting: 1 }))).toBe(true);
  expect(isMoving(reply({ sent: 2, needs_you: 1, kept_back: 4 }))).toBe(false);
  expect(isMoving(reply({ waiting: 1 }, "stopped"))).toBe(false);
  expect(letGo(reply({ sent: 2, kept_back: 3, out: 1 }))).toBe(2);
});
