/**
 * Ranker features from the app's own post vectors (text-vector.ts), if the model reads them: the similarity of a
 * candidate to the reader's history in the encoder's untrained space.
 */
import { historyDecay, historyLength } from "./history.ts";
import { vectorWidth } from "./text-vector.ts";

/** Features per candidate: the cosine, and whether there is one. */
export const vectorMatchInputs = 2;

/** The components [64] of a post's own vector; null if it has none. */
export type Components = ArrayLike<number> | null;

/**
 * [N, 2]: the cosine of each candidate's components with the decayed mean of the history's (latest first, weighted as
 * in the user tower), and a 1; zeros if either has no vector.
 */
export function vectorMatches(history: Components[], candidates: Components[]): Float32Array {
  const out = new Float32Array(candidates.length * vectorMatchInputs);
  const mean = new Float64Array(vectorWidth);
  for (let i = 0, weight = 1; i < Math.min(history.length, historyLength); i++, weight *= historyDecay) {
    const components = history[i];
    if (components) for (let d = 0; d < vectorWidth; d++) mean[d] += weight * components[d];
  }
  const length = Math.sqrt(squaresOf(mean));
  if (length === 0) return out;
  for (const [i, components] of candidates.entries()) {
    const squares = components ? squaresOf(components) : 0;
    if (!components || squares === 0) continue;
    let dot = 0;
    for (let d = 0; d < vectorWidth; d++) dot += mean[d] * components[d];
    out[i * vectorMatchInputs] = dot / (length * Math.sqrt(squares));
    out[i * vectorMatchInputs + 1] = 1;
  }
  return out;
}

function squaresOf(vector: ArrayLike<number>): number {
  let squares = 0;
  for (let d = 0; d < vectorWidth; d++) squares += vector[d] * vector[d];
  return squares;
}
