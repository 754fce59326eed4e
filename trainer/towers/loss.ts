/**
 * Sampled softmax of a batch (TFRS tasks/retrieval.py; Yi et al., RecSys'19), in the paper's order:
 * scores → temperature → sampling correction → accidental hits → loss.
 */
import * as tf from "@tensorflow/tfjs-core";

/**
 * Mean cross-entropy of row i's positive, column i. users [B, 32], posts [B + M, 32] (the positives, then uniform
 * negatives), logQ [1, B + M]: the logarithm of each column's chance to be sampled; mask [B, B + M]: −1e9 on accidental hits, else 0.
 */
export function sampledSoftmax(
  users: tf.Tensor2D,
  posts: tf.Tensor2D,
  temperature: number,
  logQ: tf.Tensor,
  mask: tf.Tensor,
): tf.Scalar {
  const rows = users.shape[0];
  const scores = tf.div(tf.matMul(users, posts, false, true), temperature);
  const logits = tf.add(tf.sub(scores, logQ), mask);
  const highest = tf.max(logits, 1, true);
  const normaliser = tf.add(tf.log(tf.sum(tf.exp(tf.sub(logits, highest)), 1, true)), highest);
  const positives = tf.slice(posts, [0, 0], [rows, posts.shape[1]]);
  const positive = tf.sub(
    tf.div(tf.sum(tf.mul(users, positives), 1, true), temperature),
    tf.reshape(tf.slice(logQ, [0, 0], [1, rows]), [rows, 1]),
  );
  return tf.mean(tf.sub(normaliser, positive)) as tf.Scalar;
}

/**
 * log q of each column under mixed negative sampling (Yang et al., WWW'20): a batch of B positives and M uniform draws
 * samples post j with (B · share_j + M / posts) / (B + M).
 */
export function logSamplingChance(
  columns: ArrayLike<number>,
  share: Float32Array,
  batch: number,
  uniform: number,
): Float32Array {
  const out = new Float32Array(columns.length);
  for (let c = 0; c < columns.length; c++) {
    out[c] = Math.log((batch * share[columns[c]] + uniform / share.length) / (batch + uniform));
  }
  return out;
}
