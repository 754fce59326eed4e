import { recencyBaseline } from "../../../supabase/functions/_shared/features/recency-baseline.ts";
import type { CommunityEvent } from "../history/event-walk.ts";
import type { Recommender } from "../protocols/recommender.ts";

/** −log(1 + hours since the last activity) − ¼ log(1 + age in hours): the simple ranking to beat. */
export class RecencyBaseline implements Recommender {
  readonly name = "recency baseline";
  private readonly posts: { created_at: number; last_active_at: number }[] = [];

  observe(event: CommunityEvent): void {
    if (event.type === "post") this.posts[event.post] = { created_at: event.at, last_active_at: event.at };
    if (event.type === "interaction" && this.posts[event.post]) this.posts[event.post].last_active_at = event.at;
  }

  scores(_user: number, at: number, out: Float64Array): void {
    for (const [i, post] of this.posts.entries()) out[i] = recencyBaseline(post, at);
  }
}
