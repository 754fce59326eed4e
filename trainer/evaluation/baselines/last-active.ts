import type { CommunityEvent } from "../history/event-walk.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";

/** The post with the latest activity first: any interaction, or the post's own creation. */
export class LastActive implements Recommender {
  readonly name = "last active";
  private readonly lastActiveAt: Float64Array;

  constructor(sizes: Sizes) {
    this.lastActiveAt = new Float64Array(sizes.posts);
  }

  observe(event: CommunityEvent): void {
    if (event.type !== "user") this.lastActiveAt[event.post] = event.at;
  }

  scores(_user: number, _at: number, out: Float64Array): void {
    out.set(this.lastActiveAt);
  }
}
