/** The feeds of the DLRM graph for one user and N candidates. */

import { categories } from "./categories.ts";
import { dimensions } from "./history.ts";
import {
  type Candidate,
  pairFeatures,
  postFeatures,
  type RowOf,
  rankerFeatures,
  type UserState,
  userFeatures,
} from "./ranker-features.ts";
import { type Feeds, float32, int64, type Tensor } from "./tensors.ts";
import { vectorMatches, vectorMatchInputs } from "./vector-match.ts";

/** The graph's input names, and the function for post rows (by default as in `rankerFeatures`). */
export interface RankerInputOptions {
  inputNames: readonly string[];
  rowOf?: RowOf | undefined;
}

/**
 * Feeds, with their shapes:
 * - user [1, 32], user_features [1, U]
 * - posts [N, 32], post_features [N, P], pair_features [N, Q], categories [N, C]
 * - vector_match [N, 2], if the graph reads it
 */
export function rankerInputs(
  user: UserState,
  vector: Float32Array,
  candidates: Candidate[],
  now: number,
  { inputNames, rowOf }: RankerInputOptions,
): Feeds {
  const n = candidates.length;
  const features = rankerFeatures(user, candidates, now, rowOf);
  const posts = new Float32Array(n * dimensions);
  for (let i = 0; i < n; i++) {
    const { embedding } = candidates[i];
    if (embedding) posts.set(embedding, i * dimensions);
  }
  return {
    user: float32(vector, [1, dimensions]),
    posts: float32(posts, [n, dimensions]),
    user_features: float32(features.user, [1, userFeatures.length]),
    post_features: float32(features.posts, [n, postFeatures.length]),
    pair_features: float32(features.pairs, [n, pairFeatures.length]),
    categories: int64(features.categories, [n, categories.length]),
    ...(inputNames.includes("vector_match") && { vector_match: vectorMatch(user, candidates) }),
  };
}

function vectorMatch({ own_history = [] }: UserState, candidates: Candidate[]): Tensor {
  const own = candidates.map(({ components = null }) => components);
  return float32(vectorMatches(own_history, own), [candidates.length, vectorMatchInputs]);
}
