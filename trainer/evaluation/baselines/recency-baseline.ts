import { lastActiveWithAge } from "../../../supabase/functions/_shared/features/recency-baseline.ts";
import type { CommunityEvent, Recommender } from "../protocols/recommender.ts";

/** −log(1 + hours since the last activity) − ¼ log(1 + age in hours): the formula to beat. */
export class LastActiveWithAge implements Recommender {
  readonly name = "last active with age";
  private readonly posts: { created_at: number; acted_at: number }[] = [];

  observe(event: CommunityEvent): void {
    if (event.type === "post") this.posts[event.post] = { created_at: event.at, acted_at: event.at };
    if (event.type === "interaction" && this.posts[event.post]) this.posts[event.post].acted_at = event.at;
  }

  scores(_user: number, at: number, out: Float64Array): void {
    for (const [i, post] of this.posts.entries()) out[i] = lastActiveWithAge(post, at);
  }
}
