import assert from "node:assert/strict";
import { test } from "node:test";
import { hour, scoresAfter, sizesOf, smallCommunity } from "../testing.ts";
import { followedTouched, popularity } from "./simple.ts";

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
  // 2⁻³ + 2⁻² = 0.375 and 2⁻¹ = 0.5
  assert.deepEqual(await scoresAfter(community, popularity(sizesOf(community), 2), 0, 7), [0.375, 0.5, 0]);
});

test("what most of those whom a user follows interacted with, each of them once, comes first; the rest by popularity", async () => {
  const community = smallCommunity(
    4,
    [
      [-1, 0],
      [-1, 0],
      [-1, 0],
    ],
    [
      [1, 1, 1],
      [1, 1, 2],
      [2, 1, 2],
      [3, 0, 3],
      [3, 2, 4],
      [3, 2, 5],
    ],
  );
  // user 0 follows 1, and 3 only from hour 6 on
  const follows = { users: Int32Array.of(0, 0), people: Int32Array.of(1, 3), at: Float64Array.of(0, 6 * hour) };
  const baseline = () => followedTouched(sizesOf(community), follows);
  assert.deepEqual(await scoresAfter(community, baseline(), 0, 5.5), [0.25, 1.75, 0.5]);
  assert.deepEqual(await scoresAfter(community, baseline(), 0, 7), [1.25, 1.75, 1.5]);
});
