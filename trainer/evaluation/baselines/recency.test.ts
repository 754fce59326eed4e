import assert from "node:assert/strict";
import { test } from "node:test";
import { scoresAfter, sizesOf, smallCommunity } from "../testing.ts";
import { lastActive, mostRecent, recencyBaselineRecommender } from "./simple.ts";

// post 0 of hour 0 has an interaction at hour 9; post 1 of hour 4 and post 2 of hour 8 never
const community = smallCommunity(
  1,
  [
    [-1, 0],
    [-1, 4],
    [-1, 8],
  ],
  [[0, 0, 9]],
);
const orderOf = (scores: number[]) => [0, 1, 2].sort((a, b) => scores[b] - scores[a]);

test("most recent: by creation", async () => {
  assert.deepEqual(orderOf(await scoresAfter(community, mostRecent(sizesOf(community)), 0, 10)), [2, 1, 0]);
});

test("last active: by interaction or creation, whichever is later", async () => {
  assert.deepEqual(orderOf(await scoresAfter(community, lastActive(sizesOf(community)), 0, 10)), [0, 2, 1]);
});

test("recency baseline: −ln(1 + idle) − ¼ ln(1 + age)", async () => {
  const scores = await scoresAfter(community, recencyBaselineRecommender(), 0, 10);
  const expected = [-Math.log(2) - Math.log(11) / 4, -Math.log(7) * 1.25, -Math.log(3) * 1.25];
  for (const [post, value] of expected.entries()) assert.ok(Math.abs(scores[post] - value) < 1e-12);
});
