import assert from "node:assert/strict";
import { test } from "node:test";
import { listMetrics, ndcgAt, type ReplayEvent, recallAt, reciprocalRank, replayMetrics } from "./list-metrics.ts";
import { estimate } from "./statistics.ts";

const day = 24 * 3_600_000;
const event = (rank: number, cold: boolean, days: number): ReplayEvent => ({
  user: 1,
  post: 2,
  at: 3,
  cold,
  age: days * day,
  rank,
  top: new Int32Array(),
});

test("standard error: of 1, 0, 1, 0 it is √(1/3 / 4)", () => {
  assert.deepEqual(estimate([1, 0, 1, 0]), { mean: 0.5, error: Math.sqrt(1 / 3 / 4) });
});

test("slices by user and by age of the post", () => {
  const metrics = replayMetrics([event(1, true, 1), event(21, true, 8), event(4, false, 7), event(200, false, 9)]);
  assert.equal(metrics.all["recall@20"].mean, 0.5);
  assert.equal(metrics.all["recall@100"].mean, 0.75);
  assert.equal(metrics.all.mrr.mean, (1 + 1 / 21 + 1 / 4 + 1 / 200) / 4);
  assert.deepEqual([metrics["cold users"].lists, metrics["cold users"]["recall@20"].mean], [2, 0.5]);
  assert.equal(metrics["warm users"].mrr.mean, (1 / 4 + 1 / 200) / 2);
  assert.deepEqual([metrics["posts ≤ 7 days"].lists, metrics["posts ≤ 7 days"]["recall@20"].mean], [2, 1]);
  assert.equal(metrics["posts > 7 days"]["recall@20"].mean, 0);
});

test("paired differences: the error is that of the differences", () => {
  const better = [event(1, true, 1), event(2, false, 1)];
  const worse = [event(2, true, 1), event(4, false, 1)];
  assert.deepEqual(replayMetrics(better, worse).all.mrr, { mean: 0.375, error: 0.125 });
  assert.throws(() => replayMetrics(better, worse.slice(1)), /same events/);
});

test("of lists with several right posts the means and the paired differences are by list", () => {
  assert.deepEqual(listMetrics([[1, 9], [4]], [[2], [2, 7]]).mrr, { mean: 0.125, error: 0.375 });
});

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
