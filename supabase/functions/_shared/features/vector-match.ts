/**
 * What the ranker is told of the posts' own vectors (text-vector.ts), where a model reads them: how near a candidate is to the reader's history by what its
 * encoder says, which no training has changed.
 */
import { historyDecay, historyLength } from "./history.ts";
import { vectorWidth } from "./text-vector.ts";

/** Numbers for each candidate: the cosine, and whether there is one. */
export const vectorMatchInputs = 2;

/** The components [64] of a post's own vector; null: it has none. */
export type Components = ArrayLike<number> | null;

/**
 * [N, 2]: of each candidate the cosine of its components with the mean of the history's, the latest first and weighted as the user tower weighs them, and a 1;
 * zeros where either says nothing.
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
