import assert from "node:assert/strict";
import { test } from "node:test";
import { ndcgAt, recallAt, reciprocalRank } from "./ranking-metrics.ts";

test("recall: 2 of 3 right posts within 5; the denominator is at most k", () => {
  assert.equal(recallAt(5, [1, 5, 6], 3), 2 / 3);
  assert.equal(recallAt(2, [1, 2, 9], 3), 1);
  assert.equal(recallAt(20, [Number.POSITIVE_INFINITY], 1), 0);
});

test("ndcg: right posts at 1 and 3 of two: (1 + 1/2) / (1 + 1/log₂3)", () => {
  assert.ok(Math.abs(ndcgAt(3, [1, 3], 2) - 1.5 / (1 + 1 / Math.log2(3))) < 1e-12);
  assert.equal(ndcgAt(2, [3], 1), 0);
  assert.equal(ndcgAt(2, [1, 2, 3], 3), 1);
});

test("reciprocal rank takes the best; out of the list is 0", () => {
  assert.equal(reciprocalRank([7, 4]), 0.25);
  assert.equal(reciprocalRank([Number.POSITIVE_INFINITY]), 0);
});
