import type { CommunityEvent } from "../history/event-walk.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";

/** The newest post first: what most communities show. */
export class MostRecent implements Recommender {
  readonly name = "most recent";
  private readonly createdAt: Float64Array;

  constructor(sizes: Sizes) {
    this.createdAt = new Float64Array(sizes.posts);
  }

  observe(event: CommunityEvent): void {
    if (event.type === "post") this.createdAt[event.post] = event.at;
  }

  scores(_user: number, _at: number, out: Float64Array): void {
    out.set(this.createdAt);
  }
}
