/** Moving a post by days and hours as people count them: on the clock of its own zone. */
import type { Post } from "$lib/api/types";
import { instantOf, wallTimeIn } from "$lib/times";

/** A day later is the same hour a day later, also where the clock changes in between. */
export function movedBy(post: Pick<Post, "wall_time" | "time_zone" | "fold" | "gap">, by: { days?: number; hours?: number }): { wall_time: string; time_zone: string; fold: Post["fold"]; gap: Post["gap"] } {
  const at = Date.parse(`${post.wall_time ?? ""}Z`) + ((by.days ?? 0) * 24 + (by.hours ?? 0)) * 3_600_000;
  return { wall_time: new Date(at).toISOString().slice(0, 19), time_zone: post.time_zone, fold: post.fold, gap: post.gap };
}

export type Moving = Pick<Post, "id" | "due_at" | "time_zone">;

/** A moment as a schedule of a post's own zone; in the hour that a clock repeats, the right one of the two. */
export function timeAt(post: Moving, at: number): { wall_time: string; time_zone: string; fold: Post["fold"] } {
  const wall_time = wallTimeIn(post.time_zone, at);
  return { wall_time, time_zone: post.time_zone, fold: instantOf(post.time_zone, wall_time) === at ? "first" : "second" };
}
