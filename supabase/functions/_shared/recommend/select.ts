/** The stage that makes a page of the scored candidates. */
import { better } from "./order.ts";
import type { ScoredPost } from "./scores.ts";

/** The best `limit`, the best first. */
export function select(posts: ScoredPost[], limit: number): ScoredPost[] {
  return posts.sort(better).slice(0, limit);
}
