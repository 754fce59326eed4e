import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../nn/random.ts";
import { calibrate, shiftToBaseRate, shiftToMean } from "./calibrate.ts";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const close = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} is not ${expected}`);

test("finds the scale and shift that labels were drawn with", () => {
  const random = new Random(1);
  const logits = Array.from({ length: 20_000 }, () => 2 * random.normal());
  const labels = logits.map((logit) => (random.uniform() < sigmoid(0.5 * logit - 1) ? 1 : 0));
  const { scale, shift } = calibrate(logits, labels, Array(20_000).fill(1));
  close(scale, 0.5, 0.03);
  close(shift, -1, 0.05);
});

test("probabilities sum to the labels, and a weight of 3 is the same as three rows", () => {
  const random = new Random(2);
  const logits = Array.from({ length: 400 }, () => random.normal());
  const labels = logits.map((logit) => (random.uniform() < sigmoid(logit) ? 1 : 0));
  const weights = logits.map(() => 1 + random.below(3));
  const rows = [...weights.entries()].flatMap(([i, weight]) => Array<number>(weight).fill(i));
  const weighted = calibrate(logits, labels, weights);
  const repeated = calibrate(
    rows.map((i) => logits[i]),
    rows.map((i) => labels[i]),
    rows.map(() => 1),
  );
  close(weighted.scale, repeated.scale, 1e-6);
  close(weighted.shift, repeated.shift, 1e-6);
  const predicted = rows.reduce((sum, i) => sum + sigmoid(weighted.scale * logits[i] + weighted.shift), 0);
  close(
    predicted,
    rows.reduce((sum, i) => sum + labels[i], 0),
    1e-4,
  );
});

test("few positives move the mean alone", () => {
  const logits = [3, 1, -2, 0];
  const { scale, shift } = calibrate(logits, [1, 0, 0, 0], [1, 1, 1, 1]);
  assert.equal(scale, 1);
  close(logits.reduce((sum, logit) => sum + sigmoid(logit + shift), 0) / 4, 2 / 6, 1e-6);
});

test("a head that ranks backwards keeps its order and gets the right mean", () => {
  const logits = Array.from({ length: 200 }, (_, i) => (i < 100 ? 2 : -2));
  const labels = logits.map((logit, i) => (logit < 0 && i % 2 === 0 ? 1 : 0));
  const { scale, shift } = calibrate(
    logits,
    labels,
    logits.map(() => 1),
  );
  assert.equal(scale, 1);
  close(
    logits.reduce((sum, logit) => sum + sigmoid(logit + shift), 0),
    50,
    1e-4,
  );
});

test("the shift to a mean, by hand", () => {
  // sigmoid(0 + ln 3) = 3/4
  close(shiftToMean([0, 0], [1, 5], 0.75), Math.log(3), 1e-9);
});

test("the shift to a rate counts weights, and one more positive", () => {
  const shift = shiftToBaseRate([0, 0], [1, 0], [1, 3]);
  // (1 + 1) / (4 + 2) = 1/3 = sigmoid(−ln 2)
  close(shift, -Math.log(2), 1e-9);
});
