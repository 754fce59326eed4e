/**
 * Which candidates of a first interaction become its rows. Of hundreds of candidates all but one are negatives: the hard ones,
 * which stand highest by the recency baseline, are taken as they are, and a sample of the others stands for the rest.
 */

import { recencyBaseline } from "../../../supabase/functions/_shared/features/recency-baseline.ts";
import type { NumberedCandidate } from "../../data/replay/retrieval-options.ts";
import type { Random } from "../nn/random.ts";
import type { PageRequest } from "./page-requests.ts";
import type { LabelledDeeds, Request } from "./requests.ts";
import { hasEngaged } from "./requests.ts";

export interface SampledRows {
  /** Whether a row is positive. */
  found: boolean;
  /** Numbers of candidates. */
  chosen: number[];
  /** How many candidates each stands for. */
  weights: number[];
  /** How much each counts in the losses. */
  lossWeights: number[];
  /** The logarithms of the places of the first rows, and what was done with them; the others were not shown. */
  logPositions: number[];
  deeds: LabelledDeeds[];
}

/** Of a first interaction: the positive, up to `hard` hard negatives, and sampled negatives up to `rows` in all. */
export function positiveAndNegatives(
  candidates: NumberedCandidate[],
  { post, at, labels, weights: deedWeights }: Request,
  rows: number,
  hard: number,
  random: Random,
): SampledRows {
  const found = candidates.findIndex((candidate) => candidate.post === post);
  const baselines = candidates.map((candidate) =>
    recencyBaseline(candidate.created_at, candidate.state.last_active_at, at),
  );
  const negatives = candidates.map((_, i) => i).filter((i) => i !== found);
  negatives.sort((a, b) => baselines[b] - baselines[a]);
  const positive = found < 0 ? [] : [found];
  const hardNegatives = negatives.slice(0, Math.min(hard, rows - positive.length));
  const otherNegatives = random.shuffle(negatives.slice(hardNegatives.length));
  const sampledNegatives = otherNegatives.slice(0, rows - positive.length - hardNegatives.length);
  const sampledWeight = otherNegatives.length / sampledNegatives.length;
  const weights = [...positive, ...hardNegatives].map(() => 1).concat(sampledNegatives.map(() => sampledWeight));
  return {
    found: found >= 0,
    chosen: [...positive, ...hardNegatives, ...sampledNegatives],
    weights,
    lossWeights: weights,
    logPositions: [],
    deeds: positive.map(() => ({ labels, weights: deedWeights })),
  };
}

/**
 * The posts of a page, then a sample of the other candidates, up to `rows` in all. The user's response to these is
 * unknown, so each has `unseenWeight` of the weight of a skipped post.
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
    found: seen.some(({ labels }) => hasEngaged(labels)),
    chosen: [...chosen, ...sampled],
    weights: [...chosen.map(() => 1), ...sampled.map(() => weight)],
    lossWeights: [...chosen.map(() => 1), ...sampled.map(() => unseenWeight * weight)],
    logPositions: seen.map(({ position }) => Math.log(position)),
    deeds: seen.map(({ labels, weights }) => ({ labels, weights })),
  };
}
