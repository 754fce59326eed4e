/** A user's history as one vector, an input of the user tower. */
import { retrieval } from "./retrieval.ts";

/** Width of every embedding: of users, posts, words and categories. */
export const dimensions = 32;

/** Maximum number of posts in a history, latest first. */
export const { historyLength } = retrieval;

/** Decay factor per step back in a user's history. */
export const historyDecay = 0.9;

/**
 * Mean of the vectors of posts that a user's followees recently engaged with or wrote, as in
 * recsys_engine.followed_vector; null if there are none. It is an input of the user tower besides the history.
 */
export function meanVector(vectors: ArrayLike<number>[]): Float32Array | null {
  if (vectors.length === 0) return null;
  const sums = new Float64Array(dimensions);
  for (const vector of vectors) for (let d = 0; d < dimensions; d++) sums[d] += vector[d];
  return Float32Array.from(sums, (sum) => sum / vectors.length);
}

/**
 * Recency-weighted mean of post vectors, latest first, each of `dimensions` floats: Σ 0.9^i v_i / Σ 0.9^i. No history
 * gives zeros. The more coherent the history, the longer the result.
 */
export function poolHistory(vectors: ArrayLike<number>[], out = new Float32Array(dimensions)): Float32Array {
  out.fill(0);
  let weight = 1;
  let total = 0;
  for (const vector of vectors.slice(0, historyLength)) {
    for (let d = 0; d < dimensions; d++) out[d] += weight * vector[d];
    total += weight;
    weight *= historyDecay;
  }
  if (total > 0) for (let d = 0; d < dimensions; d++) out[d] /= total;
  return out;
}
