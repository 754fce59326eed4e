/** Trains the ranker on requests: shuffled, a few at a time, all rows of a request together. */
import * as tf from "@tensorflow/tfjs-core";
import type { OnProgress } from "../../db/progress.ts";
import { dimensions } from "../../supabase/functions/_shared/history.ts";
import { categories, categoryRows } from "../../supabase/functions/_shared/ranker-features.ts";
import { type DenseWeights, forward, lossAndGradients, type Matrix } from "../engine/dense.ts";
import { EmbeddingTable } from "../engine/embedding-table.ts";
import { Random } from "../engine/random.ts";
import { shiftToMean } from "./calibrate.ts";
import { denseWidth, type RankingExamples } from "./examples.ts";
import { crossEntropy, listwiseLoss, logScore } from "./loss.ts";
import {
  distinctDots,
  dlrmLogits,
  formulaColumn,
  heads,
  logAgeColumn,
  logIdleColumn,
  maskWidths,
  newDlrmWeights,
} from "./network.ts";

export interface DlrmOptions {
  seed: number;
  epochs: number;
  /** Requests a batch. */
  batch: number;
  /** At the start; it falls to nothing in a straight line. */
  learningRate: number;
  weightDecay: number;
  /** How often a hidden unit is left out of a request. */
  dropout: number;
  /** The same for the dots: they know posts and authors one by one, so they fit the window they were trained on first. */
  dotDropout: number;
  /** Weight of the heads' cross-entropy beside the listwise loss. */
  headWeight: number;
  /** Weights of view, vote and comment in the score. */
  scoreWeights: number[];
}

/**
 * Chosen on two windows of travel-se (6,000 and 3,300 requests) that no reported figure is from. Rates of .001 and .004, ten
 * epochs, weight decay .05 and dropouts from .1 to .3 all end within .005 of recall@20 and of MRR of these.
 */
export const dlrmDefaults = {
  epochs: 6,
  batch: 32,
  learningRate: 0.002,
  weightDecay: 0.01,
  dropout: 0.2,
  dotDropout: 0.5,
  headWeight: 0.2,
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

export interface TrainedDlrm {
  dlrm: Dlrm;
  /** Of each epoch. */
  losses: number[];
  /** On the held-out requests: before training, then after each epoch. */
  heldOutLosses: number[];
  /** The epoch whose weights were kept; 0: the formula was not beaten. */
  epoch: number;
}

/**
 * Trains a ranker on some of the examples' requests (their numbers) and keeps the epoch that does best on the held-out
 * ones, which should be later: a ranker that fits its window too well shows there. `postVectors` [posts, 32].
 */
export async function trainDlrm(
  examples: RankingExamples,
  { training, heldOut }: { training: Uint32Array; heldOut: Uint32Array },
  postVectors: Float32Array,
  options: DlrmOptions,
  onProgress: OnProgress = () => {},
  signal?: AbortSignal,
): Promise<TrainedDlrm> {
  const random = new Random(options.seed);
  const order = training.filter((request) => examples.found[request]);
  const unseen = heldOut.filter((request) => examples.found[request]);
  const dlrm = newDlrm(examples, training, random);
  const steps = Math.ceil(order.length / options.batch);
  const losses: number[] = [];
  const heldOutLosses = [meanLoss(dlrm, examples, unseen, postVectors, options)];
  const best = { epoch: 0, weights: copyOf(dlrm) };
  let step = 0;
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    random.shuffle(order);
    let sum = 0;
    for (let s = 0; s < steps; s++) {
      signal?.throwIfAborted();
      const batch = order.subarray(s * options.batch, (s + 1) * options.batch);
      const learningRate = options.learningRate * (1 - step / (options.epochs * steps));
      sum += trainStep(dlrm, examples, batch, postVectors, { ...options, learningRate }, ++step, random);
      onProgress({ step: "DLRM training", done: step, total: options.epochs * steps });
      if (s % 8 === 0) await new Promise(setImmediate);
    }
    losses.push(sum / steps);
    heldOutLosses.push(meanLoss(dlrm, examples, unseen, postVectors, options));
    if (heldOutLosses[epoch] < heldOutLosses[best.epoch]) Object.assign(best, { epoch, weights: copyOf(dlrm) });
  }
  for (const [i, values] of arraysOf(dlrm).entries()) values.set(best.weights[i]);
  return { dlrm, losses, heldOutLosses, epoch: best.epoch };
}

/** Logits [requests · rows, 3] of some requests. */
export function dlrmForward(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  postVectors: Float32Array,
): Float32Array {
  const logits = new Float32Array(requests.length * examples.rows * heads);
  for (let start = 0; start < requests.length; start += chunk) {
    const inputs = inputsOf(dlrm, examples, requests.subarray(start, start + chunk), postVectors);
    logits.set(forward(inputs, dlrmLogits), start * examples.rows * heads);
  }
  return logits;
}

/** An untrained ranker for some requests: it orders as the formula does, and its heads have the right mean. */
export function newDlrm(examples: RankingExamples, requests: Uint32Array, random: Random): Dlrm {
  const embeddings = Float32Array.from({ length: categoryRows * dimensions }, () => 0.1 * random.normal());
  return {
    dense: newDlrmWeights(random, firstBiases(examples, requests)),
    embeddings: new EmbeddingTable(categoryRows, dimensions, embeddings),
    wide: new EmbeddingTable(categoryRows, heads),
    ...moments(examples, requests),
    calibration: { scale: new Float32Array(heads).fill(1), shift: new Float32Array(heads) },
  };
}

/** What each head must add to the formula's share of a request for its probabilities to sum to its touched posts. */
function firstBiases(examples: RankingExamples, requests: Uint32Array): Float32Array {
  const { rows } = examples;
  const shares = new Float32Array(requests.length * rows);
  const weights = new Float32Array(requests.length * rows);
  for (const [i, request] of requests.entries()) {
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      const at = (request * rows + row) * denseWidth;
      const formula = -examples.dense[at + logIdleColumn] - 0.25 * examples.dense[at + logAgeColumn];
      shares[i * rows + row] = formula;
      weights[i * rows + row] = examples.weights[request * rows + row];
      sum += weights[i * rows + row] * Math.exp(formula);
    }
    for (let row = 0; row < rows; row++) shares[i * rows + row] -= Math.log(sum);
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Float32Array.from({ length: heads }, (_, head) => {
    const touched = requests.reduce(
      (sum, request) => sum + examples.found[request] * examples.requests[request].labels[head],
      0,
    );
    return shiftToMean(shares, weights, (touched + 1) / (total + 2));
  });
}

/** Requests that go through the network at once where no gradients are kept. */
const chunk = 64;

function meanLoss(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  postVectors: Float32Array,
  options: DlrmOptions,
): number {
  let sum = 0;
  for (let start = 0; start < requests.length; start += chunk) {
    const part = requests.subarray(start, start + chunk);
    const inputs = {
      ...inputsOf(dlrm, examples, part, postVectors),
      ...targetsOf(examples, part),
    };
    sum += part.length * forward(inputs, (t) => lossOf(t, examples.rows, options))[0];
  }
  return sum / requests.length;
}

/** The listwise loss of the score, and beside it the heads' cross-entropy, both a mean over requests. */
function lossOf(t: Record<string, tf.Tensor>, rows: number, options: DlrmOptions): tf.Scalar {
  const logits = dlrmLogits(t);
  const ranking = listwiseLoss(logScore(logits, options.scoreWeights), rows, t.weights as tf.Tensor1D);
  const pointwise = crossEntropy(logits, t.labels as tf.Tensor2D, t.weights as tf.Tensor1D);
  return tf.add(ranking, tf.mul(pointwise, options.headWeight * rows)) as tf.Scalar;
}

/** Every array that training changes. */
function arraysOf(dlrm: Dlrm): Float32Array[] {
  const dense = Object.values(dlrm.dense.matrices()).map(({ values }) => values);
  return [...dense, dlrm.embeddings.weights.values, dlrm.wide.weights.values];
}

function copyOf(dlrm: Dlrm): Float32Array[] {
  return arraysOf(dlrm).map((values) => values.slice());
}

function trainStep(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  postVectors: Float32Array,
  options: DlrmOptions,
  step: number,
  random: Random,
): number {
  const batch = rowsOf(examples, requests);
  const { loss, gradients } = lossAndGradients(
    { ...dlrm.dense.matrices(), ...lookUps(dlrm, examples, batch) },
    {
      ...constants(dlrm, examples, requests, postVectors),
      ...targetsOf(examples, requests),
      ...masks(requests.length, options, random),
    },
    (t) => lossOf(t, examples.rows, options),
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
  requests: Uint32Array,
  postVectors: Float32Array,
): Record<string, Matrix> {
  const batch = rowsOf(examples, requests);
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
    logWeights: {
      values: Float32Array.from(batch, (row) => Math.log(Math.max(examples.weights[row], 1e-30))),
      shape: [requests.length, examples.rows, 1],
    },
    distinct: distinctDots(),
    formula: formulaColumn(),
  };
}

function inputsOf(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  postVectors: Float32Array,
): Record<string, Matrix> {
  return {
    ...constants(dlrm, examples, requests, postVectors),
    ...lookUps(dlrm, examples, rowsOf(examples, requests)),
    ...dlrm.dense.matrices(),
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

/** Labels [requests · rows, 3], what the user did with the touched post and nothing with the others, and the rows' weights. */
function targetsOf(examples: RankingExamples, requests: Uint32Array): Record<string, Matrix> {
  const { rows } = examples;
  const labels = new Float32Array(requests.length * rows * heads);
  const weights = new Float32Array(requests.length * rows);
  for (const [i, request] of requests.entries()) {
    if (examples.found[request]) labels.set(examples.requests[request].labels, i * rows * heads);
    weights.set(examples.weights.subarray(request * rows, (request + 1) * rows), i * rows);
  }
  return {
    labels: { values: labels, shape: [requests.length * rows, heads] },
    weights: { values: weights, shape: [requests.length * rows] },
  };
}

/**
 * What each request leaves out of the hidden layers and of the dots, [requests, 1, width]: 0, or 1 / (1 − dropout). All
 * rows of a request lose the same, so the request is ranked by one network; and it takes a hundredth of the draws.
 */
function masks(requests: number, { dropout, dotDropout }: DlrmOptions, random: Random): Record<string, Matrix> {
  const mask = (width: number, rate: number): Matrix => ({
    values: Float32Array.from({ length: requests * width }, () => (random.uniform() < rate ? 0 : 1 / (1 - rate))),
    shape: [requests, 1, width],
  });
  return Object.fromEntries(
    Object.entries(maskWidths).map(([name, width]) => [name, mask(width, name === "mask/dots" ? dotDropout : dropout)]),
  );
}

/** Mean and deviation of each dense feature over the rows the requests have; a constant feature gets deviation 1. */
function moments(examples: RankingExamples, requests: Uint32Array): { mean: Float32Array; deviation: Float32Array } {
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
