import assert from "node:assert/strict";
import { before, test } from "node:test";
import type * as tf from "@tensorflow/tfjs-core";
import { startBackend } from "../nn/backend.ts";
import { lossAndGradients, type Matrix } from "../nn/dense.ts";
import { close, numericalGradient } from "../nn/testing.ts";
import { corrections, logSamplingChance, sampledSoftmax } from "./loss.ts";

before(() => startBackend("js"));

function lossOf(users: Matrix, posts: Matrix, temperature: number, correction: Matrix) {
  return lossAndGradients({ users, posts }, { correction }, (t) =>
    sampledSoftmax(t.users as tf.Tensor2D, t.posts as tf.Tensor2D, temperature, t.correction as tf.Tensor2D),
  );
}

test("the loss is the mean cross-entropy of each row's own column", () => {
  // scores / 0.5: row 0 [2, 0, −2], row 1 [0, 2, 0]
  const users = { values: Float32Array.of(1, 0, 0, 1), shape: [2, 2] };
  const posts = { values: Float32Array.of(1, 0, 0, 1, -1, 0), shape: [3, 2] };
  const { loss } = lossOf(users, posts, 0.5, { values: new Float32Array(6), shape: [2, 3] });
  const first = Math.log(1 + Math.exp(-2) + Math.exp(-4));
  const second = Math.log(1 + 2 * Math.exp(-2));
  close(loss, (first + second) / 2);
});

test("a post that is sampled often weighs less among the negatives: logQ is subtracted", () => {
  // all scores 0, so the logits are −log q: 1/q = 2, 4 and 4, and the chance of column 0 is 2 / (2 + 4 + 4)
  const users = { values: new Float32Array(2), shape: [1, 2] };
  const posts = { values: new Float32Array(6), shape: [3, 2] };
  const logQ = Float32Array.of(0.5, 0.25, 0.25).map(Math.log);
  const { loss } = lossOf(users, posts, 0.2, { values: corrections([0, 1, 2], logQ, 1), shape: [1, 3] });
  close(loss, Math.log(5));
});

test("the written gradient agrees with numerical differences", () => {
  const users = { values: Float32Array.of(0.6, 0.8, -0.8, 0.6), shape: [2, 2] };
  const posts = { values: Float32Array.of(0.28, 0.96, 1, 0, 0.6, -0.8), shape: [3, 2] };
  const logQ = Float32Array.of(0.5, 0.3, 0.2).map(Math.log);
  const correction = { values: corrections([5, 6, 5], logQ, 2), shape: [2, 3] };
  const { gradients } = lossOf(users, posts, 0.5, correction);
  for (const [name, matrix] of Object.entries({ users, posts })) {
    const expected = numericalGradient(matrix.values, () => lossOf(users, posts, 0.5, correction).loss);
    for (const [i, value] of expected.entries()) close(gradients[name][i], value, 2e-3);
  }
});

test("a row's own post in another column is no negative; any other post is, known to the user or not", () => {
  const logQ = Float32Array.of(-1, -2, -3, -4);
  assert.deepEqual([...corrections([7, 3, 7, 5], logQ, 2)], [1, 2, Math.fround(-1e9), 4, 1, 2, 3, 4]);
});

test("the chance to be sampled is that of the batch's positives and the uniform draws together", () => {
  // 2 positives and 2 uniform draws among 4 posts: a post with half of all positives is drawn (2 · ½ + 2 · ¼) / 4 of the time
  const chances = logSamplingChance([0, 1], Float32Array.of(0.5, 0), 4, 2, 2);
  close(chances[0], Math.log(0.375));
  close(chances[1], Math.log(0.125));
});
