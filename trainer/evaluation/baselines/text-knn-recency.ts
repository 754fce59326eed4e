import { TextKnn } from "./text-knn.ts";

/** Text kNN × exp(−age / 24 h); for a user without history the age alone. */
export class TextKnnRecency extends TextKnn {
  override readonly name = "text kNN × recency";

  override scores(user: number, at: number, out: Float64Array): void {
    super.scores(user, at, out);
    const cold = this.touches.postsOf[user].length === 0;
    for (let post = 0; post < out.length; post++) {
      const days = Math.max(0, at - this.createdAt[post]) / (24 * 3_600_000);
      // in logarithms, because exp(−age) is 0 for posts older than two years
      out[post] = (cold ? 0 : Math.log(Math.max(1e-300, out[post]))) - days;
    }
  }
}
