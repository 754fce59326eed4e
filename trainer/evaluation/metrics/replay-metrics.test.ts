import assert from "node:assert/strict";
import { test } from "node:test";
import { pairedDifferences, type ReplayEvent, replayMetrics } from "./replay-metrics.ts";
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
  assert.deepEqual([metrics["cold users"].events, metrics["cold users"]["recall@20"].mean], [2, 0.5]);
  assert.equal(metrics["warm users"].mrr.mean, (1 / 4 + 1 / 200) / 2);
  assert.deepEqual([metrics["posts ≤ 7 days"].events, metrics["posts ≤ 7 days"]["recall@20"].mean], [2, 1]);
  assert.equal(metrics["posts > 7 days"]["recall@20"].mean, 0);
});

test("paired differences: the error is that of the differences", () => {
  const better = [event(1, true, 1), event(2, false, 1)];
  const worse = [event(2, true, 1), event(4, false, 1)];
  assert.deepEqual(pairedDifferences(better, worse).all.mrr, { mean: 0.375, error: 0.125 });
  assert.throws(() => pairedDifferences(better, worse.slice(1)), /same events/);
});
