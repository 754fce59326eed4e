import assert from "node:assert/strict";
import { before, test } from "node:test";
import type * as tf from "@tensorflow/tfjs-core";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { postFields, userFields } from "../../../supabase/functions/_shared/features/tokens.ts";
import {
  logHistoryLength,
  postNumbers,
  userNumbers,
} from "../../../supabase/functions/_shared/features/tower-inputs.ts";
import { startBackend } from "../nn/backend.ts";
import { forward, lossAndGradients, type Matrix } from "../nn/dense.ts";
import { Random } from "../nn/random.ts";
import { close, numericalGradient } from "../nn/testing.ts";
import { towerDefaults } from "./hyperparameters.ts";
import { corrections, sampledSoftmax } from "./loss.ts";
import { newTowerWeights, postTower, userTower } from "./network.ts";

before(() => startBackend("js"));

function setup() {
  const random = new Random(7);
  const matrix = (rows: number, columns: number): Matrix => ({
    values: Float32Array.from({ length: rows * columns }, () => random.normal()),
    shape: [rows, columns],
  });
  const dense = newTowerWeights(towerDefaults, random);
  // output layers start at zero: let them take part
  for (const name of ["user/output/weight", "post/output/weight"]) {
    for (let i = 0; i < dense.values(name).length; i++) dense.values(name)[i] = 0.3 * random.normal();
  }
  const inputs = {
    "u.fields": matrix(3, userFields.length * dimensions),
    "u.history": matrix(3, dimensions),
    "u.followed": matrix(3, dimensions),
    "u.numbers": matrix(3, userNumbers.length),
    "u.id_embedding": matrix(3, dimensions),
    "p.fields": matrix(5, postFields.length * dimensions),
    "p.numbers": matrix(5, postNumbers.length),
    "p.id_embedding": matrix(5, dimensions),
  };
  // no history is shorter than none
  const { values } = inputs["u.numbers"];
  for (const [i, value] of values.entries()) values[i] = Math.abs(value);
  return { dense, inputs, variables: { ...dense.matrices(), ...inputs } as Record<string, Matrix> };
}

const userOf = (t: Record<string, tf.Tensor>) =>
  userTower(t, {
    fields: t["u.fields"],
    history: t["u.history"],
    followed: t["u.followed"],
    numbers: t["u.numbers"],
    id_embedding: t["u.id_embedding"],
  });
const postOf = (t: Record<string, tf.Tensor>) =>
  postTower(t, { fields: t["p.fields"], numbers: t["p.numbers"], id_embedding: t["p.id_embedding"] });

test("the gradient of the whole step agrees with numerical differences in every weight and input", () => {
  const { variables } = setup();
  const correction = { values: corrections([0, 1, 2, 1, 3], new Float32Array(5).fill(-1), 3), shape: [3, 5] };
  const step = () =>
    lossAndGradients(variables, { correction }, (t) =>
      sampledSoftmax(userOf(t), postOf(t), 0.2, t.correction as tf.Tensor2D),
    );
  const { gradients } = step();
  const random = new Random(3);
  for (const [name, { values }] of Object.entries(variables)) {
    const indices = Array.from({ length: 3 }, () => random.below(values.length));
    const expected = numericalGradient(values, () => step().loss, indices);
    for (const [i, index] of indices.entries()) close(gradients[name][index], expected[i], 5e-3);
  }
});

test("vectors have unit length, and so has that of a user or post of whom nothing is known", () => {
  const { variables, inputs } = setup();
  for (const matrix of Object.values(inputs)) matrix.values.fill(0, 0, matrix.shape[1]);
  for (const vectors of [forward(variables, userOf), forward(variables, postOf)]) {
    for (let row = 0; row < vectors.length; row += dimensions) {
      close(Math.hypot(...vectors.subarray(row, row + dimensions)), 1);
    }
  }
});

test("untrained towers are a text kNN: a user's vector is the sum of their words and history, which weighs n / (n + 3)", () => {
  const { inputs } = setup();
  const fresh = newTowerWeights(towerDefaults, new Random(1));
  for (const name of ["user/output/bias", "post/output/bias"]) fresh.values(name).fill(0);
  const found = forward({ ...fresh.matrices(), ...inputs }, userOf);
  const { values } = inputs["u.fields"];
  const n = Math.expm1(inputs["u.numbers"].values[logHistoryLength]);
  assert.ok(n > 0);
  const sum = Array.from({ length: dimensions }, (_, d) => {
    const words = userFields.reduce((total, _, field) => total + values[field * dimensions + d], 0);
    return words + (n / (n + 3)) * inputs["u.history"].values[d] + inputs["u.id_embedding"].values[d];
  });
  for (const [d, value] of sum.entries()) close(found[d], value / Math.hypot(...sum));
  assert.equal(found.length, 3 * dimensions);
});
