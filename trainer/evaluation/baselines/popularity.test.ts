import assert from "node:assert/strict";
import { test } from "node:test";
import { scoresAfter, sizesOf, smallCommunity } from "../testing.ts";
import { popularity } from "./simple.ts";

test("counts interactions; with a half-life of 2 hours each counts half after 2 hours", async () => {
  const community = smallCommunity(
    2,
    [
      [-1, 0],
      [-1, 0],
      [-1, 0],
    ],
    [
      [0, 0, 1],
      [0, 0, 3],
      [1, 1, 5],
    ],
  );
  assert.deepEqual(await scoresAfter(community, popularity(sizesOf(community)), 0, 7), [2, 1, 0]);
  // 2⁻³ + 2⁻² = .375 and 2⁻¹ = .5
  assert.deepEqual(await scoresAfter(community, popularity(sizesOf(community), 2), 0, 7), [0.375, 0.5, 0]);
});
