/**
 * Sampled softmax of a batch (TFRS tasks/retrieval.py; Yi et al., RecSys'19), in the paper's order:
 * scores → temperature → sampling correction → accidental hits → loss.
 */

import * as tf from "@tensorflow/tfjs-core";
import { type LossAndGradients, lossAndGradients, type Matrix } from "../nn/dense.ts";
import type { Towers } from "./model.ts";
import { postTower, type TowerInputs, userTower } from "./network.ts";

/**
 * Mean cross-entropy of row i's positive, column i. users [B, 32], posts [B + M, 32] (positives, then uniform negatives), correction
 * [B, B + M] = `corrections`. The gradient is written out: autodiff would keep a dozen such matrices, this keeps one.
 */
export function sampledSoftmax(
  users: tf.Tensor2D,
  posts: tf.Tensor2D,
  temperature: number,
  correction: tf.Tensor2D,
): tf.Scalar {
  const rows = users.shape[0];
  const columns = posts.shape[0];
  const loss = tf.customGrad((...inputs) => {
    const [u, p, save] = inputs as unknown as [tf.Tensor2D, tf.Tensor2D, (tensors: tf.Tensor[]) => void];
    const scores = tf.matMul(tf.div(u, temperature) as tf.Tensor2D, p, false, true);
    const chances = tf.softmax(tf.add(scores, correction) as tf.Tensor2D);
    const square = tf.reshape(tf.slice(chances, [0, 0], [rows, rows]), [rows * rows]);
    const diagonal = tf.stridedSlice(square, [0], [rows * rows], [rows + 1]);
    save([u, p, chances]);
    return {
      value: tf.neg(tf.mean(tf.log(tf.add(diagonal, 1e-30)))),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [u, p, chances] = saved as tf.Tensor2D[];
        const factor = tf.div(dy, rows * temperature);
        const positives = tf.slice(p, [0, 0], [rows, p.shape[1]]);
        const seen = tf.pad(u, [
          [0, columns - rows],
          [0, 0],
        ]);
        const ofUsers = tf.sub(tf.matMul(chances, p), positives);
        const ofPosts = tf.sub(tf.transpose(tf.matMul(u, chances, true)), seen);
        return [tf.mul(ofUsers, factor), tf.mul(ofPosts, factor)];
      },
    };
  });
  return loss(users, posts) as tf.Scalar;
}

/**
 * Corrections of a batch's scores [rows, columns]: −log q of each column's post, or a part of it, and −1e9 where another column
 * repeats the row's post. Other positives of the user stay, as in the full softmax (ml-100k: R@20 0.40 with a mask, 0.43 without).
 */
export function corrections(posts: ArrayLike<number>, logQ: Float32Array, rows: number): Float32Array {
  const columns = posts.length;
  const columnsOf = new Map<number, number[]>();
  const first = new Float32Array(columns);
  for (let column = 0; column < columns; column++) {
    first[column] = -logQ[column];
    const others = columnsOf.get(posts[column]);
    if (others) others.push(column);
    else columnsOf.set(posts[column], [column]);
  }
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    out.set(first, row * columns);
    for (const column of columnsOf.get(posts[row]) ?? []) if (column !== row) out[row * columns + column] = -1e9;
  }
  return out;
}

/**
 * log q of each column under mixed negative sampling (Yang et al., WWW'20): a batch of B positives and M uniform draws
 * samples post j with (B · share_j + M / posts) / (B + M).
 */
export function logSamplingChance(
  columns: ArrayLike<number>,
  share: Float32Array,
  posts: number,
  batch: number,
  uniform: number,
): Float32Array {
  const out = new Float32Array(columns.length);
  for (let c = 0; c < columns.length; c++) {
    out[c] = Math.log((batch * share[columns[c]] + uniform / posts) / (batch + uniform));
  }
  return out;
}

// The loss of a batch of the two towers, with its gradients by everything that is learned.

type Named = Record<string, Matrix>;

/** What enters the towers in a step: inputs of users and posts by name, each with the mask of its vectors. */
interface BatchInputs {
  users: Named;
  posts: Named;
  /** [users, posts], see `corrections`. */
  correction: Matrix;
}

/** The loss and its gradients, by the names of the dense weights and those of the inputs after `u.` and `p.`. */
export function batchLoss(
  towers: Towers,
  { users, posts, correction }: BatchInputs,
  temperature: number,
): LossAndGradients {
  const { history, numbers: userNumbers, mask: userMask, text_vector: userVector, ...userLearned } = users;
  const { numbers: postNumbers, mask: postMask, text_vector: postVector, ...postLearned } = posts;
  return lossAndGradients(
    { ...towers.dense.matrices(), ...prefixed("u", userLearned), ...prefixed("p", postLearned) },
    {
      ...prefixed("u", {
        history,
        numbers: userNumbers,
        mask: userMask,
        ...(userVector && { text_vector: userVector }),
      }),
      ...prefixed("p", { numbers: postNumbers, mask: postMask, ...(postVector && { text_vector: postVector }) }),
      correction,
    },
    (t) =>
      sampledSoftmax(userTower(t, side(t, "u")), postTower(t, side(t, "p")), temperature, t.correction as tf.Tensor2D),
  );
}

function prefixed(prefix: string, matrices: Named): Named {
  return Object.fromEntries(Object.entries(matrices).map(([name, matrix]) => [`${prefix}.${name}`, matrix]));
}

function side(t: Record<string, tf.Tensor>, prefix: string): TowerInputs & { history: tf.Tensor; followed: tf.Tensor } {
  return {
    fields: t[`${prefix}.fields`],
    numbers: t[`${prefix}.numbers`],
    id_embedding: t[`${prefix}.id_embedding`],
    mask: t[`${prefix}.mask`],
    history: t[`${prefix}.history`],
    followed: t[`${prefix}.followed`],
    text_vector: t[`${prefix}.text_vector`],
  };
}
