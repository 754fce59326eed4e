/**
 * How near a candidate is to single posts of the user's history. The user tower's vector is a mean: somebody who
 * likes tea and trains has a vector between the two; the nearest of their posts tells which of them a candidate is about.
 */
import { dimensions } from "./history.ts";
import { innerProduct } from "./inner-product.ts";

/** Of each candidate; 0 without history or vector. */
export interface HistoryMatches {
  /** Inner product with the nearest post of the history. */
  best: Float64Array;
  /** Mean of the five nearest, or of all where there are fewer. */
  bestFive: Float64Array;
}

export const nearestCount = 5;

/** The match of each candidate's vector [32] (null: it has none yet) with a history of vectors [32]. */
export function historyMatches(history: ArrayLike<number>[], embeddings: (ArrayLike<number> | null)[]): HistoryMatches {
  const best = new Float64Array(embeddings.length);
  const bestFive = new Float64Array(embeddings.length);
  const packed = new Float32Array(history.length * dimensions);
  for (const [i, vector] of history.entries()) packed.set(vector, i * dimensions);
  const nearest = new Float64Array(Math.min(nearestCount, history.length));
  if (nearest.length === 0) return { best, bestFive };
  for (const [i, embedding] of embeddings.entries()) {
    if (embedding === null) continue;
    nearest.fill(Number.NEGATIVE_INFINITY);
    for (let start = 0; start < packed.length; start += dimensions)
      insert(nearest, innerProduct(packed, start, embedding, 0, dimensions));
    let sum = 0;
    for (const dot of nearest) sum += dot;
    best[i] = nearest[0];
    bestFive[i] = sum / nearest.length;
  }
  return { best, bestFive };
}

/** Keeps the highest values, the highest first. */
function insert(highest: Float64Array, value: number): void {
  let at = highest.length - 1;
  if (value <= highest[at]) return;
  for (; at > 0 && value > highest[at - 1]; at--) highest[at] = highest[at - 1];
  highest[at] = value;
}
