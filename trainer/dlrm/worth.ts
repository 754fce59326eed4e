/**
 * What a post is worth to somebody beside what the heads say, because kinds weigh more and less (recsys.kinds.weight): of a purchase and a like, which
 * are both votes, no probability can tell. The score is multiplied by it.
 *
 *   worth = exp(post · p + x · d)                              post: the tower's vector; x: standardised features of post and pair
 *
 * A conditional logit (McFadden 1974) over each request's candidates, with the logarithm of the score as its offset, in which a request counts as often as
 * what was done in it weighs. It is fitted beside a finished ranker, so the heads are to the bit what they are without weights, and stay
 * probabilities. docs/experiments.md has what else was tried.
 */
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { kinds } from "../../supabase/functions/_shared/features/kinds.ts";
import { userFeatures } from "../../supabase/functions/_shared/features/ranker-features.ts";
import { minimise } from "../engine/minimise.ts";
import { estimate } from "../evaluation/metrics/statistics.ts";
import { denseWidth, standardised } from "./dense-features.ts";
import { dlrmForward, scoreAt } from "./forward.ts";
import type { Dlrm } from "./model.ts";
import type { RankerParts, RankingExamples } from "./ranking-examples.ts";

const features = denseWidth - userFeatures.length;
/** p and d, one after the other. */
export const worthWidth = dimensions + features;
/** The worth is between e^−7 and e^7, some thousandth and thousand: weights are at most 1000. */
export const mostLogWorth = 7;

/** Penalty on the weights: as strong as so many requests. 100 gives two fifths of what 10 does (docs/experiments.md). */
const ridge = 10;
/** The curvature is taken from about so many of the requests: it is what costs, and says only how far to go. */
const curvatureRequests = 1000;
/** And from candidates with a larger share of their request than this: the others bend nothing, and are most of them. */
const leastCurved = 1e-3;

/**
 * Fits the worth of a ranker; where all that was done weighs the same, or held-out requests are not ranked better by it, by a standard error and more,
 * there is none. In a community of 300 people these are 130, whose gain of 1.7 errors the days after them bore out (NDCG@10 .229, and .236 with it).
 */
export function fitWorth(
  dlrm: Dlrm,
  examples: RankingExamples,
  { training, heldOut }: RankerParts,
  scoreWeights: number[],
): void {
  dlrm.worth = undefined;
  if (isEven(examples)) return;
  const data = { dlrm, examples, scoreWeights };
  const learned = requestsOf(data, training);
  const start = new Float64Array(worthWidth);
  const derivatives = (weights: Float64Array) => penalised(loss(data, learned, weights), weights);
  const weights = minimise({ start, derivatives, tolerance: 1e-6, iterations: 20 });
  const unseen = requestsOf(data, heldOut);
  const without = loss(data, unseen, start).losses;
  const gain = estimate(loss(data, unseen, weights).losses.map((loss, i) => without[i] - loss));
  if (gain.mean > gain.error) dlrm.worth = Float32Array.from(weights);
}

/** What the rows of a request are worth [rows]; none where the ranker has no worth. */
export function worthOf(dlrm: Dlrm, examples: RankingExamples, request: number): Float32Array {
  const { worth } = dlrm;
  if (!worth) return new Float32Array();
  const x = new Float64Array(worthWidth);
  return Float32Array.from({ length: examples.rows }, (_, j) => {
    readRow({ dlrm, examples }, examples.rowOf(request, j), x);
    return Math.exp(Math.min(mostLogWorth, Math.max(-mostLogWorth, product(worth, x))));
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

interface Requests {
  numbers: Uint32Array;
  /** [requests · rows] log score, and what a row counts as a logarithm; −Infinity for rows that fill up a request. */
  offsets: Float64Array;
  /** [requests · rows] Of what a request earned each row's share, times what the kinds weigh, their sums 1 in the mean of requests. */
  gains: Float32Array;
}

/** Those of some requests that somebody came to a post of. */
function requestsOf({ dlrm, examples, scoreWeights }: Data, of: Uint32Array): Requests {
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
  return { numbers, offsets, gains: gains.map((gain) => gain / mean) };
}

/** Writes what the worth of a row is made of into `x` [worthWidth]. */
function readRow({ dlrm, examples }: Pick<Data, "dlrm" | "examples">, row: number, x: Float64Array): void {
  const post = examples.posts[row] * dimensions;
  for (let d = 0; d < dimensions; d++) x[d] = examples.postVectors[post + d];
  const at = row * denseWidth + userFeatures.length;
  for (let f = 0; f < features; f++)
    x[dimensions + f] = standardised(examples.dense[at + f], userFeatures.length + f, dlrm);
}

function product(weights: ArrayLike<number>, x: Float64Array): number {
  let sum = 0;
  for (let f = 0; f < worthWidth; f++) sum += weights[f] * x[f];
  return sum;
}

/** The weighted listwise loss of each request; its sum and the derivatives of that by the weights. */
function loss(data: Data, { numbers, offsets, gains }: Requests, weights: Float64Array) {
  const { rows } = data.examples;
  const n = worthWidth;
  const losses = new Float64Array(numbers.length);
  const every = Math.ceil(numbers.length / curvatureRequests);
  const found = { losses, value: 0, gradient: new Float64Array(n), hessian: new Float64Array(n * n) };
  const x = Array.from({ length: rows }, () => new Float64Array(n));
  const shares = new Float64Array(rows);
  const mean = new Float64Array(n);
  for (const [i, request] of numbers.entries()) {
    for (let j = 0; j < rows; j++) {
      shares[j] = offsets[i * rows + j];
      if (shares[j] === Number.NEGATIVE_INFINITY) continue;
      readRow(data, data.examples.rowOf(request, j), x[j]);
      shares[j] += product(weights, x[j]);
    }
    const highest = shares.reduce((a, b) => Math.max(a, b));
    let [total, earned] = [0, 0];
    for (let j = 0; j < rows; j++) {
      const gain = gains[i * rows + j];
      if (gain > 0) losses[i] -= gain * shares[j];
      earned += gain;
      total += shares[j] = Math.exp(shares[j] - highest);
    }
    losses[i] += earned * (Math.log(total) + highest);
    found.value += losses[i];
    mean.fill(0);
    for (let j = 0; j < rows; j++) {
      shares[j] /= total;
      const off = earned * shares[j] - gains[i * rows + j];
      if (off === 0) continue;
      for (let f = 0; f < n; f++) {
        found.gradient[f] += off * x[j][f];
        mean[f] += shares[j] * x[j][f];
      }
    }
    if (i % every !== 0) continue;
    for (let j = 0; j < rows; j++) {
      if (shares[j] < leastCurved) continue;
      for (let f = 0; f < n; f++) x[j][f] -= mean[f];
      for (let a = 0; a < n; a++) {
        const scaled = every * earned * shares[j] * x[j][a];
        for (let b = 0; b <= a; b++) found.hessian[a * n + b] += scaled * x[j][b];
      }
    }
  }
  return found;
}

function penalised(found: ReturnType<typeof loss>, weights: Float64Array): ReturnType<typeof loss> {
  for (let f = 0; f < worthWidth; f++) {
    found.value += (ridge * weights[f] ** 2) / 2;
    found.gradient[f] += ridge * weights[f];
    found.hessian[f * worthWidth + f] += ridge;
  }
  return found;
}
