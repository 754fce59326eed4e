import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { startBackend } from "./backend.ts";
import { DenseWeights, forward, lossAndGradients } from "./dense.ts";
import { Random } from "./random.ts";
import { close } from "./testing.ts";

before(() => startBackend("js"));

const x = { values: Float32Array.of(1, 2, 3), shape: [3] };
const scale = { values: Float32Array.of(2, 0, -1), shape: [3] };

test("the loss, its gradient by every variable, none by constants, and no tensor left behind", () => {
  const tensors = tf.memory().numTensors;
  const result = lossAndGradients({ x }, { scale }, (t) => tf.sum(tf.mul(t.scale, tf.square(t.x))) as tf.Scalar);
  close(result.loss, 2 - 9);
  assert.deepEqual([...result.gradients.x], [4, 0, -6]);
  assert.deepEqual(Object.keys(result.gradients), ["x"]);
  assert.equal(tf.memory().numTensors, tensors);
});

test("a forward pass gives its values and leaves no tensor behind", () => {
  const tensors = tf.memory().numTensors;
  assert.deepEqual([...forward({ x, scale }, (t) => tf.mul(t.x, t.scale))], [2, 0, -3]);
  assert.equal(tf.memory().numTensors, tensors);
});

test("a layer starts with He's deviation times its gain and a bias of zero", () => {
  const weights = new DenseWeights();
  weights.addLayer("layer", 200, 50, new Random(1), 0.5);
  const values = weights.values("layer/weight");
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  close(deviation, 0.5 * Math.sqrt(2 / 200), 0.002);
  assert.ok(weights.values("layer/bias").every((value) => value === 0));
});

test("a step moves what has a gradient; unknown names are refused", () => {
  const weights = new DenseWeights();
  weights.add("a", [1], Float32Array.of(1));
  weights.add("b", [1], Float32Array.of(1));
  weights.step({ a: Float32Array.of(5) }, 1, { learningRate: 0.1 });
  close(weights.values("a")[0], 0.9);
  assert.equal(weights.values("b")[0], 1);
  assert.throws(() => weights.values("c"), /no weights named c/);
});
