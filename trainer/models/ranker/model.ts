/** The ranker's trained state, and how it starts. */
import { categoryRows } from "../../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import type { Head } from "../../../supabase/functions/_shared/features/kinds.ts";
import type { DenseWeights } from "../nn/dense.ts";
import { EmbeddingTable } from "../nn/embedding-table.ts";
import type { Random } from "../nn/random.ts";
import { shiftToMean, smoothedShare } from "./calibrate.ts";
import type { Standardisation } from "./dense-features.ts";
import { type HiddenWidths, newDlrmWeights, startsBlank } from "./network.ts";
import { type RankingExamples, standardisationOf } from "./ranking-examples.ts";
import {
  type BaseRate,
  fitBaseRate,
  fitWidePrior,
  startColumns,
  type WidePrior,
  widePriorScores,
} from "./wide-prior.ts";

/** Everything training changes, and the standardisation of the dense features. */
export interface Dlrm extends Standardisation {
  /** Its H heads. */
  heads: readonly Head[];
  dense: DenseWeights;
  embeddings: EmbeddingTable;
  wide: EmbeddingTable;
  /** The weight of the ranker against a simple list for a user without interactions: 0 to 1. */
  newUserStrength: number;
  /** That list is popularity with this weight; 0: the recency baseline. */
  newUserPopularity: number;
  /** What the score is multiplied by, as boost.ts says; left out: nothing. */
  boost?: Float32Array | undefined;
  /** Per head: probability = sigmoid(scale · logit + shift). */
  calibration: { scale: Float32Array; shift: Float32Array };
}

/** See hyperparameters.ts. */
export interface RankerOptions extends HiddenWidths {
  embeddingDeviation: number;
  baseRateRidge: number;
  /** Weights of view, vote and comment in the score. */
  scoreWeights: number[];
}

/** An untrained ranker for some requests: it orders as `fitWidePrior` says, and its heads have the right mean. */
export function newDlrm(
  examples: RankingExamples,
  requests: Uint32Array,
  options: RankerOptions,
  random: Random,
): Dlrm {
  const { embeddingDeviation, baseRateRidge, scoreWeights } = options;
  const embeddings = Float32Array.from(
    { length: categoryRows * dimensions },
    () => embeddingDeviation * random.normal(),
  );
  const standardisation = standardisationOf(examples, requests);
  const start = fitWidePrior(examples, requests, scoreWeights);
  const wideWeights = startColumns.map((column, i) => start.weights[i] * standardisation.deviation[column]);
  const baseRate = fitBaseRate(examples, requests, standardisation, baseRateRidge);
  const bias = firstBiases(examples, requests, start, baseRate);
  const heads = examples.heads.length;
  const wide = new Float32Array(categoryRows * heads);
  wide.set(baseRate.categories);
  return {
    heads: examples.heads,
    dense: newDlrmWeights(
      examples.heads,
      options,
      { bias, recencyBaseline: start.recencyBaseline, wide: wideWeights, baseRate },
      random,
      examples.vectorMatches.length > 0,
    ),
    embeddings: new EmbeddingTable(categoryRows, dimensions, embeddings),
    wide: new EmbeddingTable(categoryRows, heads, wide),
    ...standardisation,
    newUserStrength: 1,
    newUserPopularity: 0,
    calibration: { scale: new Float32Array(heads).fill(1), shift: new Float32Array(heads) },
  };
}

/**
 * What each head must add to the start's share of a request and its base rate for its probabilities to sum to its
 * positives.
 */
function firstBiases(
  examples: RankingExamples,
  requests: Uint32Array,
  start: WidePrior,
  baseRate: BaseRate,
): Float32Array {
  const { rows } = examples;
  const rowNumbers = examples.rowsOf(requests);
  const weights = Float32Array.from(rowNumbers, (row) => examples.weights[row]);
  const shares = widePriorScores(examples, requests, start);
  for (let first = 0; first < shares.length; first += rows) {
    let sum = 0;
    for (let i = first; i < first + rows; i++) sum += weights[i] * Math.exp(shares[i]);
    for (let i = first; i < first + rows; i++) shares[i] -= Math.log(sum);
  }
  /** The share of each row where all candidates are alike. */
  const alike = () =>
    Float64Array.from(shares, (_, i) => {
      const first = i - (i % rows);
      return -Math.log(weights.subarray(first, first + rows).reduce((sum, weight) => sum + weight, 0));
    });
  return Float32Array.from(examples.heads, (name, head) => {
    const lossWeights = Float32Array.from(rowNumbers, (row) => examples.countsFor(row, head));
    const total = lossWeights.reduce((sum, weight) => sum + weight, 0);
    const positives = requests.reduce((sum, request) => sum + examples.positives(request, head), 0);
    const heads = examples.heads.length;
    const logits = (startsBlank(name) ? alike() : shares).map(
      (share, i) => share + Math.log(baseRate.of[Math.floor(i / rows) * heads + head]),
    );
    return shiftToMean(logits, lossWeights, smoothedShare(positives, total));
  });
}
