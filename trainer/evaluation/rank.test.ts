import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../engine/random.ts";
import { rankOf } from "./rank.ts";

test("rank and list agree with sorting everything, ties included", () => {
  const random = new Random(1);
  for (let round = 0; round < 50; round++) {
    const scores = Float64Array.from({ length: 300 }, () => random.below(20));
    const candidates = Uint8Array.from({ length: 300 }, () => (random.uniform() < 0.8 ? 1 : 0));
    const target = candidates.indexOf(1);
    const whole = rankOf(target, scores, candidates, round, 300);
    assert.deepEqual(
      Array.from(whole.top, (post) => scores[post]),
      Array.from(scores)
        .filter((_, post) => candidates[post])
        .sort((a, b) => b - a),
    );
    assert.equal(whole.top[whole.rank - 1], target);
    assert.deepEqual(rankOf(target, scores, candidates, round, 10).top, whole.top.slice(0, 10));
  }
});

test("equal scores: no place is preferred, and the salt decides", () => {
  const scores = new Float64Array(100);
  const candidates = new Uint8Array(100).fill(1);
  const ranks = Array.from({ length: 4000 }, (_, salt) => rankOf(7, scores, candidates, salt * 977, 10).rank);
  const mean = ranks.reduce((sum, rank) => sum + rank) / ranks.length;
  // uniform over 1 to 100: 50.5, with a standard error of .46
  assert.ok(Math.abs(mean - 50.5) < 2, `mean rank ${mean}`);
  assert.equal(rankOf(7, scores, candidates, 977, 10).rank, ranks[1]);
});
