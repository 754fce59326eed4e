import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../models/nn/random.ts";
import { rankOf } from "./rank.ts";

test("rank and list agree with sorting everything, ties included", () => {
  const random = new Random(1);
  for (let round = 0; round < 50; round++) {
    const scores = Float64Array.from({ length: 300 }, () => random.below(20));
    const candidates = Uint8Array.from({ length: 300 }, () => (random.uniform() < 0.8 ? 1 : 0));
    const target = candidates.indexOf(1);
    const whole = rankOf(target, scores, candidates, 300);
    assert.deepEqual(
      Array.from(whole.top, (post) => scores[post]),
      Array.from(scores)
        .filter((_, post) => candidates[post])
        .sort((a, b) => b - a),
    );
    assert.equal(whole.top[whole.rank - 1], target);
    assert.deepEqual(rankOf(target, scores, candidates, 10).top, whole.top.slice(0, 10));
  }
});

test("of equal scores the newer post comes first", () => {
  const ranking = rankOf(0, new Float64Array([5, 7, 5, 5]), new Uint8Array([1, 1, 0, 1]), 2);
  assert.deepEqual({ rank: ranking.rank, top: [...ranking.top] }, { rank: 3, top: [1, 3] });
});
