import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { startBackend } from "./backend.ts";
import { EmbeddingTable } from "./embedding-table.ts";
import { close } from "./testing.ts";

before(() => startBackend("js"));

const values = [1, 2, 3, 4, 5, 6, 7, 8];
const rows = [2, 0, 2];
const weights = [0.5, 2, -1];
const upstream = [1, -1, 2, 3, -2, 0.5];

test("looked-up rows and their gradient are those of a gather in TensorFlow.js", () => {
  const table = new EmbeddingTable(4, 2, Float32Array.from(values));
  const found = new Float32Array(6);
  for (const [i, row] of rows.entries()) table.addRow(row, weights[i], found, 2 * i);

  const lookUp = (t: tf.Tensor) => tf.mul(tf.gather(t, tf.tensor1d(rows, "int32")), tf.tensor2d(weights, [3, 1]));
  const stored = tf.tensor2d(values, [4, 2]);
  assert.deepEqual([...found], [...lookUp(stored).dataSync()]);

  // Adam's first step moves each value by ± the learning rate, against the sign of its gradient
  const gradient = tf
    .grad((t) => tf.sum(tf.mul(lookUp(t), tf.tensor2d(upstream, [3, 2]))))(stored)
    .dataSync();
  for (const [i, row] of rows.entries()) table.addGradient(row, weights[i], Float32Array.from(upstream), 2 * i);
  table.step(1, { learningRate: 0.1 });
  for (const [i, value] of table.weights.values.entries()) close(value, values[i] - 0.1 * Math.sign(gradient[i]));
  // after it Adam's mean is (1 − β1) times the gradient
  for (const [i, mean] of table.weights.mean.entries()) close(mean, 0.1 * gradient[i]);
});

test("rows without a gradient do not move, and a step forgets its gradients", () => {
  const table = new EmbeddingTable(3, 1, Float32Array.of(1, 1, 1));
  table.addGradient(1, 1, Float32Array.of(4), 0);
  table.step(1, { learningRate: 0.1 });
  table.addGradient(2, 1, Float32Array.of(4), 0);
  const moved = table.weights.values[1];
  table.step(2, { learningRate: 0.1 });
  assert.equal(table.weights.values[0], 1);
  assert.equal(table.weights.values[1], moved);
  assert.notEqual(table.weights.values[2], 1);
});

test("a batch that uses more rows than ever before keeps the gradients it has", () => {
  const table = new EmbeddingTable(5000, 1);
  for (let row = 0; row < 5000; row++) table.addGradient(row, 1, Float32Array.of(row + 1), 0);
  table.step(1, { learningRate: 0.1 });
  for (const row of [0, 1023, 1024, 4999]) close(table.weights.mean[row], 0.1 * (row + 1));
});
