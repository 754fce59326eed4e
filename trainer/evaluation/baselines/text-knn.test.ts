import assert from "node:assert/strict";
import { test } from "node:test";
import { TfIdf } from "../metrics/tf-idf.ts";
import { scoresAfter, sizesOf, smallCommunity } from "../testing.ts";
import { textKnn, textKnnRecency } from "./text-knn.ts";

const near = (actual: number[], expected: number[]) => {
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i] - value) < 1e-12, `${actual} ≠ ${expected}`);
};
// "the" occurs in 3 of 4 texts and weighs nothing at `commonest` 0.6
const community = smallCommunity(
  2,
  [
    [-1, 0, "the train"],
    [-1, 24, "the train, the TRAIN and visa"],
    [-1, 48, "the visa"],
    [-1, 48, "food"],
  ],
  [[0, 0, 50]],
);

test("text kNN: cosine with the user's posts", async () => {
  const scores = await scoresAfter(community, textKnn(sizesOf(community), new TfIdf(0.6)), 0, 72);
  const idf = (df: number) => 1 + Math.log(5 / (1 + df));
  // the user's only post is "train"; post 1 holds train twice, and and visa once
  const train = (1 + Math.log(2)) * idf(2);
  near(scores, [1, train / Math.hypot(train, idf(1), idf(2)), 0, 0]);
});

test("text kNN × recency: log(.1 + cosine) − age in days; the age alone where there is no history", async () => {
  const make = () => textKnnRecency(sizesOf(community), new TfIdf(0.6));
  const [first, , , last] = await scoresAfter(community, make(), 0, 72);
  near([first, last], [Math.log(1.1) - 3, Math.log(0.1) - 1]);
  near(
    await scoresAfter(community, make(), 1, 72),
    [3, 2, 1, 1].map((days) => Math.log(0.1) - days),
  );
});
