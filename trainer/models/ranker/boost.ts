/**
 * The worth of a post to a user beyond the heads, where kinds have weights (recsys.kinds.weight): no probability tells a purchase from a like,
 * which are both votes. The score is multiplied by it.
 *
 *   boost = exp(post · p + x · d)                              post: the tower's vector; x: standardised features of post and pair
 *
 * A conditional logit (McFadden 1974) over each request's candidates, with the logarithm of the score as its offset and requests weighted by
 * their actions' weights. It is fitted to a finished ranker, so the heads are identical without weights, and stay
 * probabilities. docs/research/experiments.md has the other tries.
 */
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { userFeatures } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { estimate } from "../../evaluation/metrics/statistics.ts";
import { vectorAt } from "../nn/vector-at.ts";
import { type Choices, choiceLoss, fitConditionalLogit } from "./conditional-logit.ts";
import { denseWidth, standardised } from "./dense-features.ts";
import { dlrmForward, scoreAt } from "./forward.ts";
import type { Dlrm } from "./model.ts";
import type { RankerParts, RankingExamples } from "./ranking-examples.ts";

const features = denseWidth - userFeatures.length;
/** p and d, one after the other. */
export const boostWidth = dimensions + features;
/** The boost is between e^−7 and e^7, some thousandth and thousand: weights are at most 1000. */
export const mostLogBoost = 7;

/** Penalty on the weights: as strong as so many requests. 100 gives two fifths of what 10 does (docs/research/experiments.md). */
const ridge = 10;
const curvature = { curvatureRequests: 1000, leastCurved: 1e-3 };

/**
 * Fits the boost of a ranker; none where all actions weigh the same, or it does not rank held-out requests better by a standard
 * error and more. In a community of 300 people these are 130; their gain of 1.7 errors lasted (NDCG@10 0.229, and 0.236 with it).
 */
export function fitBoost(
  dlrm: Dlrm,
  examples: RankingExamples,
  { training, heldOut }: RankerParts,
  scoreWeights: number[],
): void {
  dlrm.boost = undefined;
  if (isEven(examples)) return;
  const data = { dlrm, examples, scoreWeights };
  const none = new Float64Array(boostWidth);
  const prior = { weights: none, strength: ridge };
  const weights = fitConditionalLogit(choicesOf(data, training), prior, { tolerance: 1e-6, iterations: 20 });
  const unseen = choicesOf(data, heldOut);
  const without = choiceLoss(unseen, none).losses;
  const gain = estimate(choiceLoss(unseen, weights).losses.map((loss, i) => without[i] - loss));
  if (gain.mean > gain.error) dlrm.boost = Float32Array.from(weights);
}

/** What the rows of a request are worth [rows]; none where the ranker has no boost. */
export function boostOf(dlrm: Dlrm, examples: RankingExamples, request: number): Float32Array {
  const { boost } = dlrm;
  if (!boost) return new Float32Array();
  const x = new Float64Array(boostWidth);
  return Float32Array.from({ length: examples.rows }, (_, j) => {
    readRow({ dlrm, examples }, examples.rowOf(request, j), x);
    return Math.exp(Math.min(mostLogBoost, Math.max(-mostLogBoost, innerProduct(boost, 0, x, 0, boostWidth))));
  });
}

interface Data {
  dlrm: Dlrm;
  examples: RankingExamples;
  scoreWeights: number[];
}

/** Whether everything that was done weighs the same. */
function isEven(examples: RankingExamples): boolean {
  let first: number | undefined;
  for (let row = 0; row < examples.posts.length; row++)
    for (let kind = 0; kind < kinds.length; kind++) {
      if (examples.label(row, kind) === 0) continue;
      const weight = examples.deedWeights[row * kinds.length + kind];
      first ??= weight;
      if (weight !== first) return false;
    }
  return true;
}

/**
 * The requests with a positive. A row's offset is the logarithm of its score and weight, its gain the request's
 * reward by it times the kinds' weights: their sums are 1 in the mean of requests.
 */
function choicesOf({ dlrm, examples, scoreWeights }: Data, of: Uint32Array): Choices {
  const { rows } = examples;
  const numbers = of.filter((request) => examples.found[request]);
  const logits = dlrmForward(dlrm, examples, numbers);
  const offsets = Float64Array.from(
    examples.rowsOf(numbers),
    (row, i) => Math.log(scoreAt(dlrm, logits, i, scoreWeights)) + Math.log(examples.lossWeights[row]),
  );
  const gains = new Float32Array(numbers.length * rows);
  for (const [i, request] of numbers.entries()) {
    const earned = gains.subarray(i * rows, (i + 1) * rows);
    examples.gains(request, scoreWeights, earned);
    for (let j = 0; j < rows; j++)
      if (earned[j] > 0) earned[j] *= examples.deedWeight(examples.rowOf(request, j), scoreWeights);
  }
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / numbers.length;
  return {
    requests: numbers.length,
    rows,
    width: boostWidth,
    read: (request, row, x) => readRow({ dlrm, examples }, examples.rowOf(numbers[request], row), x),
    offsets,
    gains: gains.map((gain) => gain / mean),
    ...curvature,
  };
}

/** Writes what the boost of a row is made of into `x` [boostWidth]. */
function readRow({ dlrm, examples }: Pick<Data, "dlrm" | "examples">, row: number, x: Float64Array): void {
  x.set(vectorAt(examples.postVectors, row));
  const at = row * denseWidth + userFeatures.length;
  for (let f = 0; f < features; f++)
    x[dimensions + f] = standardised(examples.dense[at + f], userFeatures.length + f, dlrm);
}
