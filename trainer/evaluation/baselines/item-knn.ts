import type { Recommender, Sizes } from "../protocols/recommender.ts";
import { InteractedPairs, latest } from "./interacted-pairs.ts";

/**
 * Item kNN over users: a post scores Σ over the user's latest posts j of |Uᵢ ∩ Uⱼ| / √(|Uᵢ| |Uⱼ|), U the users who
 * interacted with a post in training. Instead of any similarity matrix the sum is taken by neighbour: w(v) = Σ 1/√|Uⱼ| over the
 * posts j shared with v, then score(i) = Σ w(v) / √|Uᵢ| over v in Uᵢ, so one list costs two walks over the pairs.
 */
export class ItemKnn extends InteractedPairs implements Recommender {
  readonly name = "item kNN";
  private readonly history: number;
  /** As of the training. */
  private trainedUsersOf: number[][] = [];
  private readonly weights: Float64Array;

  constructor(sizes: Sizes, history = latest) {
    super(sizes);
    this.history = history;
    this.weights = new Float64Array(sizes.users);
  }

  train(): void {
    this.trainedUsersOf = this.usersOf.map((users) => [...users]);
  }

  scores(user: number, _at: number, out: Float64Array): void {
    const { trainedUsersOf: usersOf, weights } = this;
    weights.fill(0);
    for (const post of this.postsOf[user].slice(-this.history)) {
      const weight = 1 / Math.sqrt(usersOf[post].length);
      for (const neighbour of usersOf[post]) weights[neighbour] += weight;
    }
    for (let post = 0; post < out.length; post++) {
      let sum = 0;
      for (const neighbour of usersOf[post]) sum += weights[neighbour];
      out[post] = sum === 0 ? 0 : sum / Math.sqrt(usersOf[post].length);
    }
  }
}
