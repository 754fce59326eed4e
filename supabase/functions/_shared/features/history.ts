/** A user's history as one vector: what the user tower sees of what they just did. */
import { retrieval } from "./retrieval.ts";

/** The width of every embedding: of users, posts, words and categories. */
export const dimensions = 32;

/** How many of the latest posts count. */
export const { historyLength } = retrieval;

/** Each step back in a user's history weighs this much less. */
export const historyDecay = 0.9;

/**
 * Mean of the vectors of what those whom a user follows did and wrote lately, as recsys_engine.followed_vector has it; null: there is
 * none. The user tower takes it in addition to the history. As the last slot of the history it brought less on CiaoDVD
 * (docs/research/evaluation.md): whom one follows is not what one came to.
 */
export function meanVector(vectors: ArrayLike<number>[]): Float32Array | null {
  if (vectors.length === 0) return null;
  const sums = new Float64Array(dimensions);
  for (const vector of vectors) for (let d = 0; d < dimensions; d++) sums[d] += vector[d];
  return Float32Array.from(sums, (sum) => sum / vectors.length);
}

/**
 * Recency-weighted mean of post vectors, latest first, each of `dimensions` floats: Σ 0.9^i v_i / Σ 0.9^i.
 * No history gives zeros. The length of the result tells how coherent the history is.
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
