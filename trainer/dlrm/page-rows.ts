/** Which of a page's candidates become its rows. */
import type { NumberedCandidate } from "../community/state.ts";
import type { Random } from "../engine/random.ts";
import type { SampledRows } from "./negatives.ts";
import type { PageRequest } from "./page-requests.ts";
import { cameTo } from "./requests.ts";

/**
 * The posts of a page, then a sample of the other candidates, up to `rows` in all. What the user would have done with these nobody knows, so
 * each counts `unseenWeight` of what a post counts that was passed by.
 */
export function pageRows(
  candidates: NumberedCandidate[],
  { shown }: PageRequest,
  rows: number,
  unseenWeight: number,
  random: Random,
): SampledRows {
  const numbers = new Map(candidates.map(({ post }, i) => [post, i]));
  const seen = shown
    .flatMap(({ post, position, labels, weights }) => {
      const candidate = numbers.get(post);
      return candidate === undefined ? [] : [{ candidate, position, labels, weights }];
    })
    .slice(0, rows);
  const chosen = seen.map(({ candidate }) => candidate);
  const taken = new Set(chosen);
  const others = random.shuffle([...candidates.keys()].filter((i) => !taken.has(i)));
  const sampled = others.slice(0, rows - chosen.length);
  const weight = sampled.length > 0 ? others.length / sampled.length : 0;
  return {
    found: seen.some(({ labels }) => cameTo(labels)),
    chosen: [...chosen, ...sampled],
    weights: [...chosen.map(() => 1), ...sampled.map(() => weight)],
    lossWeights: [...chosen.map(() => 1), ...sampled.map(() => unseenWeight * weight)],
    logPositions: seen.map(({ position }) => Math.log(position)),
    deeds: seen.map(({ labels, weights }) => ({ labels, weights })),
  };
}
