/**
 * The distribution of each feature in the ranker's training, against which the population stability index of a day (recsys.daily_metrics,
 * psi) is taken. Each request counts with the ten candidates that the trained ranker puts first, as a feed shows them.
 */
import { categories } from "../../../supabase/functions/_shared/features/categories.ts";
import { featureNames } from "../../../supabase/functions/_shared/features/feature-names.ts";
import { boostOf } from "./boost.ts";
import { denseWidth } from "./dense-features.ts";
import { dlrmForward, scoreAt } from "./forward.ts";
import type { Dlrm } from "./model.ts";
import type { RankingExamples } from "./ranking-examples.ts";

/** A feature's bins: tenths of what the ranker was trained on, fewer where it has fewer values. */
export interface FeatureBins {
  feature: string;
  /** Where one bin ends and the next begins, ascending; the first and the last bin are open. */
  edges: number[];
  /** How much of the training set is in each bin, one more than there are edges. */
  shares: number[];
}

/** As many of a request's candidates as count; recsys_engine.measure_day reads as many of a feed. */
const shown = 10;
/** Of more requests every second, third … counts: of 2,000 a tenth of the values is known to a fifteenth of itself. */
const maximumRequests = 2000;
/** Fewer requests have no bins: of 200 against 200 the index is 0.09 by chance alone (9 · (1/200 + 1/200)). */
export const minimumRequests = 200;

/** The bins of every feature over some requests (their numbers); none of too few. `scoreWeights` as in the score. */
export function trainingFeatures(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  scoreWeights: number[],
): FeatureBins[] {
  if (requests.length < minimumRequests) return [];
  const every = Math.ceil(requests.length / maximumRequests);
  const sample = requests.filter((_, i) => i % every === 0);
  const { rows, weights } = best(dlrm, examples, sample, scoreWeights);
  return featureNames.map((feature, f) => {
    const values = rows.map((row) =>
      f < denseWidth
        ? examples.dense[row * denseWidth + f]
        : examples.categories[row * categories.length + f - denseWidth],
    );
    return { feature, ...tenths(values, weights) };
  });
}

/** The rows that stand for the best candidates of each request, and how many of these each stands for. */
function best(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  scoreWeights: number[],
): { rows: number[]; weights: number[] } {
  const logits = dlrmForward(dlrm, examples, requests);
  const rows: number[] = [];
  const weights: number[] = [];
  for (const [r, request] of requests.entries()) {
    const boost = boostOf(dlrm, examples, request);
    const scores = Array.from(
      { length: examples.rows },
      (_, i) => (boost[i] ?? 1) * scoreAt(dlrm, logits, r * examples.rows + i, scoreWeights),
    );
    const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a]);
    let left = shown;
    for (const i of order) {
      const row = examples.rowOf(request, i);
      // a sampled negative stands for others of about its score
      const weight = Math.min(left, examples.weights[row]);
      if (weight <= 0) continue;
      rows.push(row);
      weights.push(weight);
      left -= weight;
    }
  }
  return { rows, weights };
}

/** The bins of some weighted values. */
export function tenths(values: number[], weights: number[]): Omit<FeatureBins, "feature"> {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // what is nearer than a hundredth of the range is alike, as in recsys_engine.feature_drift
  const unit = (values[order[order.length - 1]] - values[order[0]]) / 100;
  const edges: number[] = [];
  const shares: number[] = [];
  let sum = 0;
  let before = 0;
  for (const [place, i] of order.entries()) {
    sum += weights[i];
    const next = order[place + 1];
    if (next === undefined) break;
    // between two values, so that the last digit of one that comes again decides nothing
    const edge = Math.fround((values[i] + values[next]) / 2);
    const isBetween =
      values[i] < edge && edge <= values[next] && edge - (edges.at(-1) ?? Number.NEGATIVE_INFINITY) >= unit;
    if (!isBetween || Math.floor((10 * sum) / total) === Math.floor((10 * before) / total)) continue;
    edges.push(edge);
    shares.push((sum - before) / total);
    before = sum;
  }
  shares.push((total - before) / total);
  if (edges.length > 0) return { edges, shares };
  // what never changed is noticed when it does
  const margin = Math.max(1e-3, Math.abs(values[0]) / 1000);
  return { edges: [Math.fround(values[0] - margin), Math.fround(values[0] + margin)], shares: [0, 1, 0] };
}
