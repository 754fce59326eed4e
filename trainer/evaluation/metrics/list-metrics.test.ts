import assert from "node:assert/strict";
import { test } from "node:test";
import { coverage, gini, intraListSimilarity } from "./diversity.ts";

test("coverage: three of four posts are in a list", () => {
  assert.equal(
    coverage(
      [
        [0, 1],
        [1, 2],
      ],
      4,
    ),
    0.75,
  );
});

test("gini: equal is 0, one of four takes all is 3/4, [1, 3] is 1/4", () => {
  assert.equal(gini([2, 2, 2]), 0);
  assert.equal(gini([0, 8, 0, 0]), 0.75);
  assert.equal(gini([3, 1]), 0.25);
});

test("intra-list similarity: mean over the three pairs", () => {
  const products = (a: number, b: number) => a * b;
  assert.equal(intraListSimilarity([1, 2, 3], products), (2 + 3 + 6) / 3);
  assert.ok(Number.isNaN(intraListSimilarity([1], products)));
});
