import assert from "node:assert/strict";
import { test } from "node:test";
import { smallCommunity } from "../testing.ts";
import { diversityOf, textSimilarity } from "./diversity.ts";

test("coverage, Gini and similarity of two lists over four posts", () => {
  const lists = [Int32Array.of(0, 1), Int32Array.of(0, 2)];
  const { coverage, gini, intraListSimilarity } = diversityOf(lists, 4, (a, b) => (a + b === 1 ? 1 : 0.5));
  assert.equal(coverage, 0.75);
  // exposures 0, 1, 1, 2: (−3·0 − 1 + 1 + 3·2) / (4 · 4)
  assert.equal(gini, 6 / 16);
  assert.equal(intraListSimilarity, 0.75);
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
