import assert from "node:assert/strict";
import { test } from "node:test";
import { scoresAfter, sizesOf, smallCommunity } from "../testing.ts";
import { itemKnn } from "./collaborative.ts";

// users 0, 1, 2; post 0: {0, 1}, post 1: {1, 2}, post 2: {0}, post 3 (written by 2): {2}
const community = smallCommunity(
  3,
  [
    [-1, 0],
    [-1, 0],
    [-1, 0],
    [2, 0],
  ],
  [
    [0, 0, 1],
    [1, 0, 2],
    [1, 1, 3],
    [2, 1, 4],
    [0, 2, 5],
    [0, 2, 6],
  ],
);

test("sums the cosines with the user's posts; own posts count, repeats do not", async () => {
  const scores = await scoresAfter(community, itemKnn(sizesOf(community)), 0, 10);
  // user 0 has posts 0 and 2: cos(1,0) + cos(1,2) = 1/2 + 0; cos(2,0) + cos(2,2) = 1/√2 + 1; post 3 shares no user
  const expected = [1 + 1 / Math.SQRT2, 0.5, 1 / Math.SQRT2 + 1, 0];
  for (const [post, value] of expected.entries()) assert.ok(Math.abs(scores[post] - value) < 1e-12);
});

test("only the latest posts of the user count", async () => {
  const scores = await scoresAfter(community, itemKnn(sizesOf(community), 1), 0, 10);
  const expected = [1 / Math.SQRT2, 0, 1, 0];
  for (const [post, value] of expected.entries()) assert.ok(Math.abs(scores[post] - value) < 1e-12);
});
