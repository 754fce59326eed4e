/** The best simple ranking of a live community: the order of the feed where there is no model, and where the ranker's wide part starts. */
import { logHours } from "./hours.ts";

/** Last active first, then newer: −log(1 + hours since the last activity) − ¼ log(1 + age in hours). */
export function recencyBaseline(post: { created_at: number; last_active_at: number | null }, now: number): number {
  return -logHours(post.last_active_at ?? post.created_at, now) - 0.25 * logHours(post.created_at, now);
}
