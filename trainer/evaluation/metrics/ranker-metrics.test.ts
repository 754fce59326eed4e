import assert from "node:assert/strict";
import { test } from "node:test";
import { headRows, type RankedList, rankerMetrics, sideBySide } from "./ranker-metrics.ts";

/** Lists of two candidates, of none, and of one; no views, one vote, two comments. */
const outcomes = [
  { post: 4, labels: [0, 1, 1] },
  { post: 4, labels: [0, 0, 1] },
  { post: 9, labels: [0, 0, 1] },
];
const lists: RankedList[] = [
  {
    posts: Int32Array.of(3, 4),
    probabilities: { DLRM: Float32Array.of(0, 0.25, 0.5, 0, 0.5, 0.75), other: Float32Array.of(0, 0, 1, 0, 0, 0) },
    scores: { age: Float32Array.of(1, 2) },
  },
  { posts: new Int32Array(), probabilities: {}, scores: {} },
  {
    posts: Int32Array.of(9),
    probabilities: { DLRM: Float32Array.of(0, 0.125, 1), other: Float32Array.of(0, 0, 0) },
    scores: { age: Float32Array.of(3) },
  },
];

test("rows of the heads somebody used, by ranker; a list without candidates has none", () => {
  const heads = headRows(lists, outcomes);
  assert.deepEqual(
    heads.map(({ head, labels, lists: groups }) => [head, [...labels], [...groups]]),
    [
      ["vote", [0, 1, 0], [0, 0, 2]],
      ["comment", [0, 1, 1], [0, 0, 2]],
    ],
  );
  assert.deepEqual(
    heads[0].probabilities.map(({ by, values }) => [by, [...values]]),
    [
      ["DLRM", [0.25, 0.5, 0.125]],
      ["other", [0, 0, 0]],
    ],
  );
});

test("lists of several rankers side by side: the same as one list of all they said", () => {
  const only = (...names: string[]) =>
    lists.map(({ posts, probabilities, scores }): RankedList => {
      const chosen = Object.entries(probabilities).filter(([name]) => names.includes(name));
      return { posts, probabilities: Object.fromEntries(chosen), scores: names.includes("DLRM") ? scores : {} };
    });
  assert.deepEqual(sideBySide([only("DLRM"), only("other")]), lists);
  assert.throws(() => sideBySide([only("DLRM"), only("other").reverse()]), /not asked about the same candidates/);
});

test("metrics of every ranker and score on the same rows", () => {
  const metrics = rankerMetrics(lists, headRows(lists, outcomes)).filter(({ head }) => head === "comment");
  assert.deepEqual(
    metrics.map(({ by, rows, positives, auc, calibration }) => [by, rows, positives, auc, calibration]),
    [
      ["DLRM", 3, 2, 1, 2.25 / 2],
      ["other", 3, 2, 0, 0.5],
      ["age", 3, 2, 1, Number.NaN],
      ["base rate", 3, 2, 0.5, 1],
    ],
  );
});
