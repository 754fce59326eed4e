/**
 * Similarity of a candidate to single posts of the user's history. The user tower averages the history: for a user who
 * likes tea and trains the mean lies between them, but the nearest single post tells which one a candidate matches.
 */
import { dimensions } from "./history.ts";
import { innerProduct } from "./inner-product.ts";

/** One value per candidate; 0 without history or vector. */
export interface HistoryMatches {
  /** Inner product with the nearest post of the history. */
  best: Float64Array;
  /** Mean inner product with the five nearest posts, or with all if there are fewer. */
  bestFive: Float64Array;
}

export const nearestCount = 5;

/**
 * Matches each candidate's vector [32], or null if it has none, with a history of vectors [32]. They are copied to 64
 * bits first, which makes the products faster.
 */
export function historyMatches(history: ArrayLike<number>[], embeddings: (ArrayLike<number> | null)[]): HistoryMatches {
  const best = new Float64Array(embeddings.length);
  const bestFive = new Float64Array(embeddings.length);
  const nearest = new Float64Array(Math.min(nearestCount, history.length));
  if (nearest.length === 0) return { best, bestFive };
  const packed = new Float64Array(history.length * dimensions);
  for (let i = 0; i < history.length; i++) packed.set(history[i], i * dimensions);
  const vector = new Float64Array(dimensions);
  for (let i = 0; i < embeddings.length; i++) {
    const embedding = embeddings[i];
    if (embedding === null) continue;
    vector.set(embedding);
    nearest.fill(Number.NEGATIVE_INFINITY);
    for (let start = 0; start < packed.length; start += dimensions)
      insert(nearest, innerProduct(packed, start, vector, 0, dimensions));
    let sum = 0;
    for (let n = 0; n < nearest.length; n++) sum += nearest[n];
    best[i] = nearest[0];
    bestFive[i] = sum / nearest.length;
  }
  return { best, bestFive };
}

/** Inserts a value into the list of the highest ones, highest first. */
function insert(highest: Float64Array, value: number): void {
  let at = highest.length - 1;
  if (value <= highest[at]) return;
  for (; at > 0 && value > highest[at - 1]; at--) highest[at] = highest[at - 1];
  highest[at] = value;
}
