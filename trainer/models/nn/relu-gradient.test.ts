/** The gradient of relu that replaces that of TensorFlow.js has its values. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { startBackend } from "./backend.ts";

for (const backend of ["wasm", "js"] as const)
  test(`relu's gradient is 1 where the input is over 0, on ${backend}`, async () => {
    await startBackend(backend);
    const gradient = tf.grad((x) => tf.sum(tf.mul(tf.relu(x), tf.tensor1d([2, 3, 5, 7]))));
    assert.deepEqual([...gradient(tf.tensor1d([-1, 0, 1e-30, 4])).dataSync()], [0, 0, 5, 7]);
  });
