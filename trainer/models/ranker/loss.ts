/** The ranker's loss: what the feed is ordered by must put the positive first, and each head must be a probability. */
import * as tf from "@tensorflow/tfjs-core";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { dlrmLogits, logSumExp } from "./network.ts";

export interface LossOptions {
  /** Weight of the heads' cross-entropy relative to the listwise loss. */
  headWeight: number;
  /** Weights of view, vote and comment in the score. */
  scoreWeights: number[];
}

/**
 * The loss of `dlrmLogits` with the targets of `targetsOf`: the listwise loss of the score by views, votes and comments, plus the heads'
 * cross-entropy, both means over requests. Optional heads learn by the latter alone: a dismissal says nothing of the chosen post.
 */
export function dlrmLoss(t: Record<string, tf.Tensor>, rows: number, options: LossOptions): tf.Scalar {
  const logits = dlrmLogits(t);
  const ofKinds = t.cameTo ? tf.slice(logits, [0, 0], [-1, kinds.length]) : logits;
  const score = logScore(ofKinds, options.scoreWeights);
  const ranking = listwiseLoss(score, rows, t.gains as tf.Tensor1D, t.weights as tf.Tensor1D, t.cameTo);
  const pointwise = crossEntropy(logits, t.labels as tf.Tensor2D, t.weights as tf.Tensor1D, t.known);
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
 * Mean over requests of −Σ gain · log softmax(score among the request's rows) (ListNet: Cao et al. 2007); scores, gains and weights
 * [requests · rows], the gains of a request summing to 1. A row counts as many times as its weight says, so the sampled negatives stand for
 * all that could have been sampled. A request that `hasEngaged` [requests] has 0 for, which only has something to say to the optional heads, has no loss.
 */
export function listwiseLoss(
  scores: tf.Tensor1D,
  rows: number,
  gains: tf.Tensor1D,
  weights: tf.Tensor1D,
  cameTo?: tf.Tensor,
): tf.Scalar {
  const shape: [number, number] = [scores.size / rows, rows];
  const counted = tf.reshape(tf.add(scores, tf.log(tf.maximum(weights, 1e-30))), shape);
  const wanted = tf.sum(tf.reshape(tf.mul(scores, gains), shape), 1, true);
  const losses = tf.sub(logSumExp(counted, 1), wanted);
  return tf.mean(cameTo ? tf.mul(losses, tf.reshape(cameTo, [-1, 1])) : losses) as tf.Scalar;
}

/** Binary cross-entropy of logits and labels [N, heads], summed over the heads that `known` [N, heads] has 1 for, weighted by weights [N], mean over rows. */
export function crossEntropy(
  logits: tf.Tensor2D,
  labels: tf.Tensor2D,
  weights: tf.Tensor1D,
  known?: tf.Tensor,
): tf.Scalar {
  const missed = tf.add(tf.mul(labels, logSigmoid(logits)), tf.mul(tf.sub(1, labels), logSigmoid(tf.neg(logits))));
  return tf.neg(tf.mean(tf.mul(tf.sum(known ? tf.mul(missed, known) : missed, 1), weights))) as tf.Scalar;
}
