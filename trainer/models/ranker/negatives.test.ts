import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyPostState } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import type { NumberedCandidate } from "../../data/replay/retrieval-options.ts";
import { Random } from "../nn/random.ts";
import { positiveAndNegatives } from "./sampled-rows.ts";

const hour = 3_600_000;
/** Post 10 + i was created and last active i + 1 hours ago, so the recency baseline ranks them in this order. */
const candidates = Array.from({ length: 12 }, (_, i) => {
  const at = -(i + 1) * hour;
  return { post: 10 + i, created_at: at, state: { ...emptyPostState, last_active_at: at } } as NumberedCandidate;
});
const requestOf = (post: number) => ({ event: 0, user: 0, post, at: 0, labels: [0, 0, 1] as [number, number, number] });

test("the positive comes first, then the best by the recency baseline, then a sample that stands for the rest", () => {
  const { found, chosen, weights } = positiveAndNegatives(candidates, requestOf(11), 6, 2, new Random(1));
  assert.equal(found, true);
  assert.deepEqual(chosen.slice(0, 3), [1, 0, 2]);
  const sampled = chosen.slice(3);
  assert.equal(new Set(sampled).size, 3);
  assert.ok(sampled.every((candidate) => candidate > 2));
  // nine others, three of them sampled
  assert.deepEqual(weights, [1, 1, 1, 3, 3, 3]);
});

test("without the positive among the candidates all rows are negatives", () => {
  const { found, chosen, weights } = positiveAndNegatives(candidates, requestOf(99), 6, 4, new Random(1));
  assert.equal(found, false);
  assert.deepEqual(chosen.slice(0, 4), [0, 1, 2, 3]);
  assert.deepEqual(weights, [1, 1, 1, 1, 4, 4]);
});

test("few candidates are all taken, each for itself", () => {
  const { chosen, weights } = positiveAndNegatives(candidates.slice(0, 4), requestOf(12), 6, 2, new Random(1));
  assert.deepEqual([...chosen].sort(), [0, 1, 2, 3]);
  assert.deepEqual(weights, [1, 1, 1, 1]);
});
