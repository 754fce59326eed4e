/** The ranker's loss: what the feed is ordered by must put the positive first, and each head must be a probability. */
import * as tf from "@tensorflow/tfjs-core";
import { dlrmLogits, logSumExp } from "./network.ts";

export interface LossOptions {
  /** Weight of the heads' cross-entropy beside the listwise loss. */
  headWeight: number;
  /** Weights of view, vote and comment in the score. */
  scoreWeights: number[];
}

/**
 * The loss of what `dlrmLogits` reads, with labels [N, 3] and weights [N]: the listwise loss of the score, and beside it
 * the heads' cross-entropy, both a mean over requests.
 */
export function dlrmLoss(t: Record<string, tf.Tensor>, rows: number, options: LossOptions): tf.Scalar {
  const logits = dlrmLogits(t);
  const ranking = listwiseLoss(logScore(logits, options.scoreWeights), rows, t.weights as tf.Tensor1D);
  const pointwise = crossEntropy(logits, t.labels as tf.Tensor2D, t.weights as tf.Tensor1D);
  return tf.add(ranking, tf.mul(pointwise, options.headWeight * rows)) as tf.Scalar;
}

/** log(1 / (1 + exp(−x))) without overflow. */
function logSigmoid(x: tf.Tensor): tf.Tensor {
  return tf.neg(tf.add(tf.relu(tf.neg(x)), tf.log1p(tf.exp(tf.neg(tf.abs(x))))));
}

/** log Σ_h weight_h · p_h of logits [N, heads], [N]: the logarithm of the score the feed is ordered by. */
export function logScore(logits: tf.Tensor2D, weights: number[]): tf.Tensor1D {
  const parts = tf.add(logSigmoid(logits), tf.tensor([weights.map((weight) => Math.log(Math.max(weight, 1e-6)))]));
  return tf.squeeze(logSumExp(parts, 1), [1]);
}

/**
 * Mean over requests of −log softmax(score of row 0 among the request's rows); scores and weights [requests · rows]. A row
 * counts as many times as its weight says, so the sampled negatives stand for all that could have been sampled.
 */
export function listwiseLoss(scores: tf.Tensor1D, rows: number, weights: tf.Tensor1D): tf.Scalar {
  const shape: [number, number] = [scores.size / rows, rows];
  const counted = tf.reshape(tf.add(scores, tf.log(tf.maximum(weights, 1e-30))), shape);
  const first = tf.slice(tf.reshape(scores, shape), [0, 0], [shape[0], 1]);
  return tf.mean(tf.sub(logSumExp(counted, 1), first)) as tf.Scalar;
}

/** Binary cross-entropy of logits and labels [N, heads], summed over heads, weighted by weights [N], mean over rows. */
export function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor2D, weights: tf.Tensor1D): tf.Scalar {
  const missed = tf.add(tf.mul(labels, logSigmoid(logits)), tf.mul(tf.sub(1, labels), logSigmoid(tf.neg(logits))));
  return tf.neg(tf.mean(tf.mul(tf.sum(missed, 1), weights))) as tf.Scalar;
}
