import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { startBackend } from "../nn/backend.ts";
import { crossEntropy, listwiseLoss, logScore } from "./loss.ts";

before(() => startBackend("js"));

const value = (scalar: tf.Tensor) => scalar.dataSync()[0];
const close = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-5, `${actual}`);

test("the score is the weighted sum of the heads' probabilities, as a logarithm", () => {
  const logits = tf.tensor2d([[0, Math.log(3), -Math.log(4)]]);
  // probabilities 1/2, 3/4, 1/5
  close(value(logScore(logits, [0.2, 1, 2])), Math.log(0.2 * 0.5 + 0.75 + 2 * 0.2));
});

test("the listwise loss is −log softmax of what was gained, each row counted as often as its weight says", () => {
  const scores = tf.tensor1d([Math.log(2), 0, 0, 0, Math.log(5), 7]);
  const weights = tf.tensor1d([1, 1, 3, 1, 2, 0]);
  // 2 of 2 + 1 + 3, and 1 of 1 + 2 · 5 + 0
  const first = tf.tensor1d([1, 0, 0, 1, 0, 0]);
  close(value(listwiseLoss(scores, 3, first, weights)), (Math.log(3) + Math.log(11)) / 2);
  // a quarter of the second request's gain is of the row with 5
  const both = tf.tensor1d([1, 0, 0, 0.75, 0.25, 0]);
  close(value(listwiseLoss(scores, 3, both, weights)), (Math.log(3) + Math.log(11) - Math.log(5) / 4) / 2);
});

test("a request that no user interacted with a post of has no listwise loss, and the others are a mean over all", () => {
  const scores = tf.tensor1d([Math.log(2), 0, 0, 0, Math.log(5), 7]);
  const weights = tf.tensor1d([1, 1, 3, 1, 2, 1]);
  const gains = tf.tensor1d([1, 0, 0, 0, 0, 0]);
  close(value(listwiseLoss(scores, 3, gains, weights, tf.tensor1d([1, 0]))), Math.log(3) / 2);
});

test("cross-entropy leaves out the labels that nobody knows", () => {
  const logits = tf.tensor2d([[0, Math.log(3)]]);
  const known = tf.tensor2d([[1, 0]]);
  // −log 1/2, and nothing of the second head
  close(value(crossEntropy(logits, tf.tensor2d([[1, 0]]), tf.tensor1d([3]), known)), 3 * Math.log(2));
});

test("cross-entropy sums over heads, weighs rows and does not overflow", () => {
  const logits = tf.tensor2d([
    [0, Math.log(3)],
    [200, -200],
  ]);
  const labels = tf.tensor2d([
    [1, 0],
    [1, 1],
  ]);
  // −log 1/2 − log 1/4, three times; 200 and nothing
  close(value(crossEntropy(logits, labels, tf.tensor1d([3, 1]))), (3 * Math.log(8) + 200) / 2);
});
