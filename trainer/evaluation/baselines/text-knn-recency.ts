import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import type { CommunityEvent } from "../history/event-walk.ts";
import type { TfIdf } from "../metrics/tf-idf.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";
import { TextKnn } from "./text-knn.ts";

/** What a text that shares no word with the user's still counts: without it such posts would rank last, however new. */
const floor = 0.1;

/** Text kNN × recency: (0.1 + cosine) · exp(−age / 24 h). */
export class TextKnnRecency implements Recommender {
  readonly name = "text kNN × recency";
  private readonly text: TextKnn;
  private readonly createdAt: Float64Array;

  constructor(sizes: Sizes, tfIdf?: TfIdf) {
    this.text = new TextKnn(sizes, tfIdf);
    this.createdAt = new Float64Array(sizes.posts);
  }

  train(): void {
    this.text.train();
  }

  observe(event: CommunityEvent): void {
    this.text.observe(event);
    if (event.type === "post") this.createdAt[event.post] = event.at;
  }

  scores(user: number, at: number, out: Float64Array): void {
    this.text.scores(user, at, out);
    for (let post = 0; post < out.length; post++) {
      const days = (at - this.createdAt[post]) / (24 * hour);
      // its logarithm, because exp(−days) itself is 0 for all posts older than two years
      out[post] = Math.log(floor + out[post]) - days;
    }
  }
}
