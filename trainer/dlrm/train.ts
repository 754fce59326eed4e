/** Trains the ranker on requests: shuffled, a few at a time, all rows of a request together. */
import * as tf from "@tensorflow/tfjs-core";
import type { OnProgress } from "../../db/progress.ts";
import { dimensions } from "../../supabase/functions/_shared/history.ts";
import { categories, categoryRows } from "../../supabase/functions/_shared/ranker-features.ts";
import { type DenseWeights, forward, lossAndGradients, type Matrix } from "../engine/dense.ts";
import { EmbeddingTable } from "../engine/embedding-table.ts";
import { Random } from "../engine/random.ts";
import { denseWidth, type RankingExamples } from "./examples.ts";
import { crossEntropy, listwiseLoss, logScore } from "./loss.ts";
import { distinctDots, dlrmLogits, formulaColumn, heads, newDlrmWeights } from "./network.ts";

export interface DlrmOptions {
  seed: number;
  epochs: number;
  /** Requests a batch. */
  batch: number;
  learningRate: number;
  weightDecay: number;
  /** Weight of the heads' cross-entropy beside the listwise loss. */
  headWeight: number;
  /** Weights of view, vote and comment in the score. */
  scoreWeights: number[];
}

export const dlrmDefaults = {
  epochs: 8,
  batch: 16,
  learningRate: 0.001,
  weightDecay: 0.01,
  headWeight: 1,
};

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

/** Trains a ranker on some of the examples' requests (their numbers). `postVectors` [posts, 32]. */
export async function trainDlrm(
  examples: RankingExamples,
  requests: Uint32Array,
  postVectors: Float32Array,
  options: DlrmOptions,
  onProgress: OnProgress = () => {},
  signal?: AbortSignal,
): Promise<{ dlrm: Dlrm; losses: number[] }> {
  const random = new Random(options.seed);
  const dlrm = newDlrm(examples, requests, random);
  const order = Uint32Array.from(requests);
  const steps = Math.ceil(order.length / options.batch);
  const losses: number[] = [];
  let step = 0;
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    random.shuffle(order);
    let sum = 0;
    for (let s = 0; s < steps; s++) {
      signal?.throwIfAborted();
      sum += trainStep(
        dlrm,
        examples,
        order.subarray(s * options.batch, (s + 1) * options.batch),
        postVectors,
        options,
        ++step,
      );
      onProgress({ step: "DLRM training", done: step, total: options.epochs * steps });
      if (s % 8 === 0) await new Promise(setImmediate);
    }
    losses.push(sum / steps);
  }
  return { dlrm, losses };
}

/** Logits [requests · rows, 3] of some requests. */
export function dlrmForward(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  postVectors: Float32Array,
): Float32Array {
  const batch = rowsOf(examples, requests);
  const inputs = {
    ...constants(dlrm, examples, batch, postVectors),
    ...lookUps(dlrm, examples, batch),
    ...dlrm.dense.matrices(),
  };
  return forward(inputs, dlrmLogits);
}

function newDlrm(examples: RankingExamples, requests: Uint32Array, random: Random): Dlrm {
  const embeddings = Float32Array.from({ length: categoryRows * dimensions }, () => 0.1 * random.normal());
  return {
    dense: newDlrmWeights(random),
    embeddings: new EmbeddingTable(categoryRows, dimensions, embeddings),
    wide: new EmbeddingTable(categoryRows, heads),
    ...moments(examples, requests),
    calibration: { scale: new Float32Array(heads).fill(1), shift: new Float32Array(heads) },
  };
}

function trainStep(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  postVectors: Float32Array,
  options: DlrmOptions,
  step: number,
): number {
  const batch = rowsOf(examples, requests);
  const labels = labelsOf(examples, requests);
  const { loss, gradients } = lossAndGradients(
    { ...dlrm.dense.matrices(), ...lookUps(dlrm, examples, batch) },
    { ...constants(dlrm, examples, batch, postVectors), labels },
    (t) => {
      const logits = dlrmLogits(t);
      const ranking = listwiseLoss(logScore(logits, options.scoreWeights), examples.rows);
      // one touched post a request: the heads' loss is summed over a request's rows, as the listwise loss is
      const heads = tf.mul(crossEntropy(logits, t.labels as tf.Tensor2D), options.headWeight * examples.rows);
      return tf.add(ranking, heads) as tf.Scalar;
    },
  );
  dlrm.dense.step(gradients, step, options);
  const width = categories.length;
  for (const [table, gradient] of [
    [dlrm.embeddings, gradients.embeddings],
    [dlrm.wide, gradients.wide],
  ] as const) {
    for (const [i, row] of batch.entries()) {
      for (let c = 0; c < width; c++) {
        table.addGradient(examples.categories[row * width + c], 1, gradient, (i * width + c) * table.width);
      }
    }
    table.step(step, options);
  }
  return loss;
}

function rowsOf(examples: RankingExamples, requests: Uint32Array): Int32Array {
  const { rows } = examples;
  return Int32Array.from(
    { length: requests.length * rows },
    (_, i) => requests[Math.floor(i / rows)] * rows + (i % rows),
  );
}

function constants(
  dlrm: Dlrm,
  examples: RankingExamples,
  batch: Int32Array,
  postVectors: Float32Array,
): Record<string, Matrix> {
  const n = batch.length;
  const dense = new Float32Array(n * denseWidth);
  const user = new Float32Array(n * dimensions);
  const post = new Float32Array(n * dimensions);
  for (const [i, row] of batch.entries()) {
    const request = Math.floor(row / examples.rows);
    dense.set(examples.dense.subarray(row * denseWidth, (row + 1) * denseWidth), i * denseWidth);
    user.set(examples.users.subarray(request * dimensions, (request + 1) * dimensions), i * dimensions);
    const at = examples.posts[row] * dimensions;
    post.set(postVectors.subarray(at, at + dimensions), i * dimensions);
  }
  return {
    dense: { values: dense, shape: [n, denseWidth] },
    user: { values: user, shape: [n, dimensions] },
    post: { values: post, shape: [n, dimensions] },
    mean: { values: dlrm.mean, shape: [1, denseWidth] },
    deviation: { values: dlrm.deviation, shape: [1, denseWidth] },
    distinct: distinctDots(),
    formula: formulaColumn(),
  };
}

/** The looked-up rows of the categories: embeddings [N, C, 32] and wide [N, C, 3]. */
function lookUps(dlrm: Dlrm, examples: RankingExamples, batch: Int32Array): Record<string, Matrix> {
  const width = categories.length;
  const gather = (table: EmbeddingTable): Matrix => {
    const values = new Float32Array(batch.length * width * table.width);
    for (const [i, row] of batch.entries()) {
      for (let c = 0; c < width; c++) {
        table.addRow(examples.categories[row * width + c], 1, values, (i * width + c) * table.width);
      }
    }
    return { values, shape: [batch.length, width, table.width] };
  };
  return { embeddings: gather(dlrm.embeddings), wide: gather(dlrm.wide) };
}

/** [requests · rows, 3]: what the user did with the touched post; nothing with the others. */
function labelsOf(examples: RankingExamples, requests: Uint32Array): Matrix {
  const values = new Float32Array(requests.length * examples.rows * heads);
  for (const [i, request] of requests.entries())
    values.set(examples.requests[request].labels, i * examples.rows * heads);
  return { values, shape: [requests.length * examples.rows, heads] };
}

/** Mean and deviation of each dense feature over the requests' rows; a constant feature gets deviation 1. */
function moments(examples: RankingExamples, requests: Uint32Array): { mean: Float32Array; deviation: Float32Array } {
  const sums = new Float64Array(denseWidth);
  const squares = new Float64Array(denseWidth);
  const batch = rowsOf(examples, requests);
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
