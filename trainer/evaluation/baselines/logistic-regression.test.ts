import assert from "node:assert/strict";
import { test } from "node:test";
import { fitLogisticRegression } from "../../models/nn/logistic-regression.ts";
import { Random } from "../../models/nn/random.ts";
import { EventWalk } from "../history/event-walk.ts";
import { TfIdf } from "../metrics/tf-idf.ts";
import { scoresAfter, sizesOf, smallCommunity } from "../testing.ts";
import { logisticFeatureNames, logisticFeatures } from "./logistic-features.ts";
import { fitLogistic, logisticRegression } from "./logistic-regression.ts";

test("one binary feature by hand: the weight is the log odds ratio, the bias the log odds at 0", () => {
  // 3 of 4 positive where the feature is 1, 1 of 4 where it is 0
  const { weights, bias } = fitLogistic(Float64Array.of(1, 1, 1, 1, 0, 0, 0, 0), [1, 1, 1, 0, 1, 0, 0, 0], 1, 0);
  assert.ok(Math.abs(weights[0] - 2 * Math.log(3)) < 1e-6);
  assert.ok(Math.abs(bias + Math.log(3)) < 1e-6);
});

test("a row that counts three times equals three rows; features of 0 need not be there", () => {
  const fit = (rows: [x: number, label: number, often: number][]) =>
    fitLogisticRegression(
      {
        count: rows.length,
        width: 2,
        read: (row, x) => {
          x[0] = rows[row][0];
          x[1] = 1 - rows[row][0];
        },
        labels: rows.map(([, label]) => label),
        weights: rows.map(([, , often]) => often),
      },
      0.5,
    );
  const few = fit([
    [1, 1, 3],
    [1, 0, 1],
    [0, 1, 1],
    [0, 0, 2],
  ]);
  const many = fit([
    [1, 1, 1],
    [1, 1, 1],
    [1, 1, 1],
    [1, 0, 1],
    [0, 1, 1],
    [0, 0, 1],
    [0, 0, 1],
  ]);
  for (const [i, value] of few.entries()) assert.ok(Math.abs(value - many[i]) < 1e-9);
  // the gradient at the minimum: Σ (label − p) x = ridge · weight
  const p = (logit: number) => 1 / (1 + Math.exp(-logit));
  assert.ok(Math.abs(3 - 4 * p(few[0] + few[2]) - 0.5 * few[0]) < 1e-6);
  assert.ok(Math.abs(1 - 3 * p(few[1] + few[2]) - 0.5 * few[1]) < 1e-6);
});

test("recovers the weights that made the labels, and leaves a constant feature at 0", () => {
  const random = new Random(1);
  const rows = Float64Array.from({ length: 60_000 }, (_, i) => (i % 3 === 2 ? 5 : 3 * random.normal() + 1));
  const labels = Array.from({ length: 20_000 }, (_, i) => {
    const logit = 0.5 * rows[3 * i] - 1 * rows[3 * i + 1] + 0.3;
    return random.uniform() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
  });
  const { weights, bias } = fitLogistic(rows, labels, 3);
  assert.ok(Math.abs(weights[0] - 0.5) < 0.03 && Math.abs(weights[1] + 1) < 0.05, `weights ${weights}`);
  assert.ok(Math.abs(bias - 0.3) < 0.1, `bias ${bias}`);
  assert.ok(Math.abs(weights[2]) < 1e-9);
});

test("the features of one post by hand", () => {
  // user 1 wrote post 0 (hour 0) and post 1 (hour 1); user 0 commented on post 0 at hour 4 and viewed it at hour 5
  const community = smallCommunity(
    2,
    [
      [1, 0, "night train"],
      [1, 1, "visa"],
    ],
    [
      [0, 0, 4],
      [0, 0, 5],
    ],
  );
  community.interactions.kinds.set([2, 0]);
  const features = logisticFeatures(sizesOf(community), new TfIdf(1));
  for (const event of new EventWalk(community).until(2)) features.observe(event);
  features.train();
  features.begin(0, 6 * 3_600_000);
  const out = new Float64Array(logisticFeatureNames.length);
  features.row(0, 6 * 3_600_000, out);
  const named = Object.fromEntries(logisticFeatureNames.map((name, i) => [name, out[i]]));
  const expected = {
    idle: Math.log(2),
    "comment idle": Math.log(3),
    "recent 1 h": Math.log1p(0.25 + 0.5),
    age: Math.log(7),
    "younger than a day": 1,
    views: Math.log(2),
    votes: 0,
    comments: Math.log(2),
    participants: Math.log(2),
    "author's posts": Math.log(3),
    "received by author": Math.log(3),
    cosine: 1,
    words: Math.log(3),
    "user with author": Math.log(3),
    "author with user": 0,
    "author was last": 0,
  };
  for (const [name, value] of Object.entries(expected)) {
    assert.ok(Math.abs(named[name] - value) < 1e-12, `${name}: ${named[name]} ≠ ${value}`);
  }
});

test("where people only open what is new, it learns to put the new first", async () => {
  const random = new Random(5);
  const posts = Array.from({ length: 200 }, (_, i): [number, number, string] => [-1, i, `word${i % 7}`]);
  const interactions = Array.from({ length: 600 }, (_, i): [number, number, number] => [
    random.below(40),
    Math.max(0, Math.floor(i / 3) - random.below(3)),
    i / 3 + 0.1,
  ]);
  const community = smallCommunity(40, posts, interactions);
  const scores = await scoresAfter(community, logisticRegression(sizesOf(community)), 0, 201);
  const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, 5);
  assert.ok(Math.min(...best) >= 190, `best ${best}`);
});
