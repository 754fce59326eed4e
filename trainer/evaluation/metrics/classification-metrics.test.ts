import assert from "node:assert/strict";
import { test } from "node:test";
import { auc, calibration, calibrationBins, gauc, logLoss, normalisedEntropy } from "./classification-metrics.ts";

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} ≠ ${expected}`);

test("auc: of four pairs three in order, one tied counts half", () => {
  near(auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 3 / 4);
  near(auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8]), 3.5 / 4);
  near(auc([1, 0], [5, 5]), 0.5);
  assert.ok(Number.isNaN(auc([1, 1], [1, 2])));
});

test("gauc: groups weigh by their rows, groups of one label do not count", () => {
  // group 0: 1 of 2 pairs (3 rows), group 1: its only pair (2 rows), group 2: positives only
  const labels = [1, 0, 0, 1, 0, 1];
  const scores = [2, 1, 3, 9, 1, 0];
  near(gauc(labels, scores, [0, 0, 0, 1, 1, 2]), (0.5 * 3 + 1 * 2) / 5);
});

test("log loss: −(ln .8 + ln .6) / 2, finite at 0 and 1", () => {
  near(logLoss([1, 0], [0.8, 0.4]), -(Math.log(0.8) + Math.log(0.6)) / 2);
  assert.ok(Number.isFinite(logLoss([1, 0], [0, 1])));
});

test("normalised entropy: 1 for the base rate, by hand otherwise", () => {
  near(normalisedEntropy([1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]), 1);
  near(normalisedEntropy([1, 0], [0.8, 0.2]), Math.log(0.8) / Math.log(0.5));
});

test("calibration: predicted 1.5 where 2 happened; bins in order of probability", () => {
  near(calibration([1, 0, 1], [0.75, 0.25, 0.5]), 0.75);
  assert.deepEqual(calibrationBins([1, 0, 1, 0], [0.75, 0.25, 0.5, 0], 2), [
    { rows: 3, predicted: 0.25, observed: 1 / 3 },
    { rows: 1, predicted: 0.75, observed: 1 },
  ]);
  // more bins than rows; equal probabilities
  assert.equal(calibrationBins([1, 0], [0.5, 0.25], 10).length, 2);
  assert.deepEqual(calibrationBins([1, 0], [0.5, 0.5], 10), [{ rows: 2, predicted: 0.5, observed: 0.5 }]);
  assert.deepEqual(calibrationBins([], [], 10), []);
});
