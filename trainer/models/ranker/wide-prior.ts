/**
 * Fits the start of the ranker's wide part: a conditional logit (McFadden 1974) over each request's candidates with recency
 * baseline, tower similarity, covisitation rank and popularity. So few weights need little data, and the network goes on from there.
 */
import { categories, requestCategories } from "../../../supabase/functions/_shared/features/categories.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { userFeatures } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { fitLogisticRegression } from "../nn/logistic-regression.ts";
import { fitConditionalLogit } from "./conditional-logit.ts";
import {
  covisitedColumn,
  denseWidth,
  popularityColumn,
  recencyBaselineAt,
  type Standardisation,
  similarityColumn,
  standardised,
} from "./dense-features.ts";
import type { RankingExamples } from "./ranking-examples.ts";

/** What the start weighs besides the recency baseline; the last two where the model has neighbours of posts, since only there they were seen to help. */
export const startColumns = [similarityColumn, covisitedColumn, popularityColumn];

export interface WidePrior {
  recencyBaseline: number;
  /** Of each of `startColumns` as it is, not standardised. */
  weights: number[];
}

/** Scores of all rows of some requests, [requests · rows]. */
export function widePriorScores(
  examples: RankingExamples,
  requests: Uint32Array,
  { recencyBaseline, weights }: WidePrior,
): Float64Array {
  const { dense } = examples;
  return Float64Array.from(examples.rowsOf(requests), (row) => {
    const at = row * denseWidth;
    let score = recencyBaseline * recencyBaselineAt(dense, at);
    for (const [i, column] of startColumns.entries()) score += weights[i] * dense[at + column];
    return score;
  });
}

/** The start with the best listwise loss on the requests that have a positive. */
export function fitWidePrior(examples: RankingExamples, requests: Uint32Array, scoreWeights: number[]): WidePrior {
  const found = requests.filter((request) => examples.found[request]);
  const { dense } = examples;
  const ranks = examples
    .rowsOf(found)
    .filter((row) => examples.lossWeights[row] > 0)
    .map((row) => row * denseWidth + covisitedColumn);
  const hasNeighbours = ranks.some((at) => dense[at] !== dense[ranks[0]]);
  const columns = hasNeighbours ? startColumns : [similarityColumn];
  const read = (at: number, x: Float64Array) => {
    x[0] = recencyBaselineAt(dense, at);
    for (const [i, column] of columns.entries()) x[1 + i] = dense[at + column];
  };
  // the recency baseline alone
  const believed = [1, ...columns.map(() => 0)];
  const [recencyBaseline, ...weights] = fitRows(examples, found, scoreWeights, read, believed);
  return { recencyBaseline, weights: startColumns.map((_, i) => weights[i] ?? 0) };
}

/** The weight of popularity alone with the best listwise loss on the requests that have a positive; 0 without any. */
export function fitPopularity(examples: RankingExamples, requests: Uint32Array, scoreWeights: number[]): number {
  const found = requests.filter((request) => examples.found[request]);
  const read = (at: number, x: Float64Array) => {
    x[0] = examples.dense[at + popularityColumn];
  };
  return fitRows(examples, found, scoreWeights, read, [0])[0];
}

/** The weights of what is read of each row, whose dense features begin at `at`; what is believed before speaks as strongly as one request. */
function fitRows(
  examples: RankingExamples,
  found: Uint32Array,
  scoreWeights: number[],
  readAt: (at: number, x: Float64Array) => void,
  believed: number[],
): Float64Array {
  const { rows } = examples;
  const gains = new Float32Array(found.length * rows);
  for (const [i, request] of found.entries())
    examples.gains(request, scoreWeights, gains.subarray(i * rows, (i + 1) * rows));
  const offsets = Float64Array.from(examples.rowsOf(found), (row) => Math.log(examples.lossWeights[row]));
  const read = (request: number, row: number, x: Float64Array) =>
    readAt(examples.rowOf(found[request], row) * denseWidth, x);
  return fitConditionalLogit(
    { requests: found.length, rows, width: believed.length, read, offsets, gains },
    { weights: Float64Array.from(believed), strength: 1 },
    { tolerance: 1e-9, iterations: 30 },
  );
}

// Where the ranker's base rate starts: how likely this user is to view, vote or comment at all when they are shown candidates. One logistic
// regression per head over what is the same for all candidates of a request: the heads' shares of a request cannot say it, and some people never vote.

export interface BaseRate {
  /** [userFeatures, heads], of standardised features. */
  dense: Float32Array;
  /** [rows of the request's categories, heads] */
  categories: Float32Array;
  /** [heads] */
  bias: Float32Array;
  /** [requests, heads]: what it says of the requests it was fitted to. */
  of: Float32Array;
}

const tableRows = categories.slice(0, requestCategories).reduce((sum, { size }) => sum + size, 0);

/**
 * Fits the base rate to the actions in some requests, and to one more with all actions and one without any: an
 * action that never happened stays possible.
 */
export function fitBaseRate(
  examples: RankingExamples,
  requests: Uint32Array,
  standardisation: Standardisation,
  ridge: number,
): BaseRate {
  const u = userFeatures.length;
  const width = u + tableRows;
  const heads = examples.heads.length;
  const baseRate: BaseRate = {
    dense: new Float32Array(u * heads),
    categories: new Float32Array(tableRows * heads),
    bias: new Float32Array(heads),
    of: new Float32Array(requests.length * heads),
  };
  const read = (i: number, x: Float64Array) => {
    x.fill(0, 0, width);
    if (i >= requests.length) return;
    const row = examples.rowOf(requests[i]);
    for (let f = 0; f < u; f++) x[f] = standardised(examples.dense[row * denseWidth + f], f, standardisation);
    for (let c = 0; c < requestCategories; c++) x[u + examples.categories[row * categories.length + c]] = 1;
  };
  const x = new Float64Array(width + 1).fill(1, width);
  for (let head = 0; head < heads; head++) {
    const done = Array.from(requests, (request) => Math.min(1, examples.positives(request, head)));
    const labels = [...done, 1, 0];
    const w = fitLogisticRegression({ count: labels.length, width, read, labels }, ridge);
    for (let f = 0; f < u; f++) baseRate.dense[f * heads + head] = w[f];
    for (let c = 0; c < tableRows; c++) baseRate.categories[c * heads + head] = w[u + c];
    baseRate.bias[head] = w[width];
    for (let i = 0; i < requests.length; i++) {
      read(i, x);
      baseRate.of[i * heads + head] = 1 / (1 + Math.exp(-innerProduct(x, 0, w, 0, width + 1)));
    }
  }
  return baseRate;
}
