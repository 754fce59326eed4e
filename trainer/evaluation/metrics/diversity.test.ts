import assert from "node:assert/strict";
import { test } from "node:test";
import { smallCommunity } from "../testing.ts";
import { coverage, diversityOf, gini, intraListSimilarity, textSimilarity } from "./diversity.ts";

test("coverage, Gini and similarity of two lists over four posts", () => {
  const lists = [Int32Array.of(0, 1), Int32Array.of(0, 2)];
  const found = diversityOf(lists, 4, (a, b) => (a + b === 1 ? 1 : 0.5));
  assert.equal(found.coverage, 0.75);
  // exposures 0, 1, 1, 2: (−3·0 − 1 + 1 + 3·2) / (4 · 4)
  assert.equal(found.gini, 6 / 16);
  assert.equal(found.intraListSimilarity, 0.75);
});

test("texts: the same is 1, nothing in common is 0", () => {
  const titles = ["night train", "night train", "visa", ...Array.from({ length: 40 }, (_, i) => `other${i}`)];
  const community = smallCommunity(
    1,
    titles.map((title) => [-1, 0, title]),
    [],
  );
  const similarity = textSimilarity(community);
  assert.ok(Math.abs(similarity(0, 1) - 1) < 1e-12);
  assert.equal(similarity(0, 2), 0);
});

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
