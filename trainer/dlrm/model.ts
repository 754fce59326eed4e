/** The ranker's trained state, and how it starts. */
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { categoryRows } from "../../supabase/functions/_shared/features/ranker-features.ts";
import type { DenseWeights } from "../engine/dense.ts";
import { EmbeddingTable } from "../engine/embedding-table.ts";
import type { Random } from "../engine/random.ts";
import { type BaseRate, fitBaseRate } from "./base-rate.ts";
import { rowsOf } from "./batch.ts";
import { shiftToMean } from "./calibrate.ts";
import { denseWidth, type RankingExamples } from "./examples.ts";
import { heads, newDlrmWeights, similarityColumn } from "./network.ts";
import type { Standardisation } from "./standardise.ts";
import { fitStart, type Start, startScores } from "./start.ts";

/** Everything training changes, and the standardisation of the dense features. */
export interface Dlrm {
  dense: DenseWeights;
  embeddings: EmbeddingTable;
  wide: EmbeddingTable;
  mean: Float32Array;
  deviation: Float32Array;
  /** Per head: probability = sigmoid(scale · logit + shift). */
  calibration: { scale: Float32Array; shift: Float32Array };
}

/** An untrained ranker for some requests: it orders as `fitStart` says, and its heads have the right mean. */
export function newDlrm(examples: RankingExamples, requests: Uint32Array, random: Random): Dlrm {
  const embeddings = Float32Array.from({ length: categoryRows * dimensions }, () => 0.1 * random.normal());
  const standard = moments(examples, requests);
  const start = fitStart(examples, requests);
  const similarity = start.similarity * standard.deviation[similarityColumn];
  const rate = fitBaseRate(examples, requests, standard);
  const bias = firstBiases(examples, requests, start, rate);
  const wide = new Float32Array(categoryRows * heads);
  wide.set(rate.categories);
  return {
    dense: newDlrmWeights(random, { bias, formula: start.recencyBaseline, similarity, rate }),
    embeddings: new EmbeddingTable(categoryRows, dimensions, embeddings),
    wide: new EmbeddingTable(categoryRows, heads, wide),
    ...standard,
    calibration: { scale: new Float32Array(heads).fill(1), shift: new Float32Array(heads) },
  };
}

/** What each head must add to the start's share of a request and its rate for its probabilities to sum to its positives. */
function firstBiases(examples: RankingExamples, requests: Uint32Array, start: Start, rate: BaseRate): Float32Array {
  const { rows } = examples;
  const shares = startScores(examples, requests, start);
  const weights = new Float32Array(requests.length * rows);
  for (const [i, request] of requests.entries()) {
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      weights[i * rows + row] = examples.weights[request * rows + row];
      sum += weights[i * rows + row] * Math.exp(shares[i * rows + row]);
    }
    for (let row = 0; row < rows; row++) shares[i * rows + row] -= Math.log(sum);
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Float32Array.from({ length: heads }, (_, head) => {
    const positive = requests.reduce(
      (sum, request) => sum + examples.found[request] * examples.requests[request].labels[head],
      0,
    );
    const logits = shares.map((share, row) => share + Math.log(rate.of[Math.floor(row / rows) * heads + head]));
    return shiftToMean(logits, weights, (positive + 1) / (total + 2));
  });
}

/** Mean and deviation of each dense feature over the rows the requests have; a constant feature gets deviation 1. */
function moments(examples: RankingExamples, requests: Uint32Array): Standardisation {
  const sums = new Float64Array(denseWidth);
  const squares = new Float64Array(denseWidth);
  const batch = rowsOf(examples, requests).filter((row) => examples.weights[row] > 0);
  for (const row of batch) {
    for (let f = 0; f < denseWidth; f++) {
      const value = examples.dense[row * denseWidth + f];
      sums[f] += value;
      squares[f] += value * value;
    }
  }
  const mean = Float32Array.from(sums, (sum) => sum / batch.length);
  const deviation = Float32Array.from(squares, (square, f) => {
    const variance = square / batch.length - mean[f] ** 2;
    return variance > 1e-8 ? Math.sqrt(variance) : 1;
  });
  return { mean, deviation };
}
