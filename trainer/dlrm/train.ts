/** Trains the ranker on requests: shuffled, a few at a time, all rows of a request together. */
import * as tf from "@tensorflow/tfjs-core";
import type { OnProgress } from "../../db/progress.ts";
import { categories } from "../../supabase/functions/_shared/features/ranker-features.ts";
import { forward, lossAndGradients } from "../engine/dense.ts";
import { Random } from "../engine/random.ts";
import { constants, inputsOf, lookUps, masks, rowsOf, targetsOf } from "./batch.ts";
import type { RankingExamples } from "./examples.ts";
import { crossEntropy, listwiseLoss, logScore } from "./loss.ts";
import { type Dlrm, newDlrm } from "./model.ts";
import { dlrmLogits, heads } from "./network.ts";

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

export interface TrainedDlrm {
  dlrm: Dlrm;
  /** Of each epoch. */
  losses: number[];
  /** On the held-out requests: before training, then after each epoch. */
  heldOutLosses: number[];
  /** The epoch whose weights were kept; 0: the recency baseline was not beaten. */
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
