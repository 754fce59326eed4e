/**
 * Randomized positions make off-policy estimates possible: each candidate left is drawn in proportion to score^(1/temperature), place after
 * place (Luce, "Individual Choice Behavior", 1959; Plackett, "The Analysis of Permutations", 1975). A coin chooses each place by itself.
 */
import { drawProbabilities } from "../../recommend/selection/candidate-pool.ts";
import type { PositionFiller } from "../../recommend/selection/select-page.ts";
import type { Selectable } from "../../recommend/selection/selectable.ts";

/** How a page's places are drawn. */
export interface RandomizationPolicy {
  /** The chance with which a place is drawn. */
  share: number;
  /** Above 0; the higher, the more alike the chances. */
  temperature: number;
  /** From 0 to below 1, by an unpredictable source. */
  random(): number;
}

/** Draws places of a page; from those where nothing is left that is worth something it stays away. */
export function randomizedPositions<Post extends Selectable>({
  share,
  temperature,
  random,
}: RandomizationPolicy): PositionFiller<Post> {
  return ({ pool: { posts, values } }) => {
    if (share === 0 || random() >= share) return undefined;
    const each = drawProbabilities(values, temperature);
    if (!each) return undefined;
    const i = sampleIndex(each, random());
    return { chosen: posts[i], explored: false, drawn: true, propensity: each[i] };
  };
}

/** 53 unpredictable bits: a user who could predict them would choose what is shown by the time of the request. */
export function secureUniform(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}

/** The one that a uniform number from 0 to below 1 draws. */
export function sampleIndex(chances: Float64Array, uniform: number): number {
  let [left, last] = [uniform, 0];
  for (const [i, chance] of chances.entries()) {
    if (chance === 0) continue;
    if (left < chance) return i;
    left -= chance;
    last = i;
  }
  // rounding has left something over
  return last;
}
