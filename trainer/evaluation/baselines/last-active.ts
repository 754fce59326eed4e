import type { CommunityEvent, Recommender, Sizes } from "../protocols/recommender.ts";

/** The post with the latest activity first: any interaction, or the post's own creation. */
export class LastActive implements Recommender {
  readonly name = "last active";
  private readonly activeAt: Float64Array;

  constructor(sizes: Sizes) {
    this.activeAt = new Float64Array(sizes.posts);
  }

  observe(event: CommunityEvent): void {
    if (event.type !== "user") this.activeAt[event.post] = event.at;
  }

  scores(_user: number, _at: number, out: Float64Array): void {
    out.set(this.activeAt);
  }
}
