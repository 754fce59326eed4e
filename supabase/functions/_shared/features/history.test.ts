import assert from "node:assert/strict";
import { test } from "node:test";
import { dimensions, historyLength, meanVector, poolHistory } from "./history.ts";

const constant = (value: number) => new Float32Array(dimensions).fill(value);

test("the latest post counts most: weights fall by a tenth per step", () => {
  const pooled = poolHistory([constant(1), constant(0), constant(10)]);
  assert.equal(pooled.length, dimensions);
  for (const value of pooled) assert.ok(Math.abs(value - (1 + 0.81 * 10) / (1 + 0.9 + 0.81)) < 1e-6);
});

test("no history is zero, and so is what stood in the output before", () => {
  assert.deepEqual(poolHistory([], constant(7)), constant(0));
});

test("whom one follows counts as the mean of what they did; nothing of theirs is no vector", () => {
  assert.deepEqual(meanVector([constant(1), constant(2), constant(6)]), constant(3));
  assert.equal(meanVector([]), null);
});

test("whatever lies further back than the 50 latest does not count", () => {
  const history = Array.from({ length: historyLength }, () => constant(2));
  const pooled = poolHistory([...history, constant(1e6)]);
  for (const value of pooled) assert.ok(Math.abs(value - 2) < 1e-5);
});
