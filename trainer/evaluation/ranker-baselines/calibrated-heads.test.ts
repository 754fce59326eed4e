import assert from "node:assert/strict";
import { test } from "node:test";
import { categories, categoryRows } from "../../../supabase/functions/_shared/features/categories.ts";
import {
  pairFeatures,
  postFeatures,
  userFeatures,
} from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { float32, int64 } from "../../../supabase/functions/_shared/features/tensors.ts";
import { loggedFeatures } from "../../../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import { Random } from "../../models/nn/random.ts";
import { denseWidth } from "../../models/ranker/dense-features.ts";
import { RankingExamples } from "../../models/ranker/ranking-examples.ts";
import {
  calibratedHeads,
  type FitHead,
  fitLogisticHead,
  labelledRows,
  readExample,
  rowsOfRequests,
  rowWidth,
} from "./calibrated-heads.ts";

/** Requests of four rows, the last standing for three candidates; votes are as rare as asked, views never come. */
function examplesOf(count: number, votes = 0.2): RankingExamples {
  const random = new Random(1);
  const requests = Array.from({ length: count }, (_, i) => {
    const labels: [number, number, number] = [0, random.uniform() < votes ? 1 : 0, 1];
    return { event: i, user: 0, post: 0, at: i, labels };
  });
  const examples = new RankingExamples(requests, 4);
  examples.found.fill(1);
  for (const [r, { labels }] of requests.entries()) examples.labels.set(labels, examples.rowOf(r) * labels.length);
  for (let row = 0; row < count * 4; row++) {
    examples.lossWeights[row] = examples.weights[row] = row % 4 === 3 ? 3 : 1;
    for (let f = 0; f < denseWidth; f++) examples.dense[row * denseWidth + f] = random.normal();
    let offset = 0;
    for (const [c, { size }] of categories.entries()) {
      examples.categories[row * categories.length + c] = offset + random.below(size);
      offset += size;
    }
  }
  return examples;
}

const numbers = (from: number, to: number) => Uint32Array.from({ length: to - from }, (_, i) => from + i);

test("a row is the same from the training set and from the feeds of serving", () => {
  const examples = examplesOf(2);
  const row = 5;
  const [u, p, q] = [userFeatures, postFeatures, pairFeatures].map(({ length }) => length);
  const dense = examples.dense.slice(row * denseWidth, (row + 1) * denseWidth);
  const c = categories.length;
  // candidate 1 of a feed whose candidate 0 is all zeros
  const behindZeros = (values: Float32Array) => Float32Array.of(...new Float32Array(values.length), ...values);
  const feeds = {
    user_features: float32(dense.slice(0, u), [1, u]),
    post_features: float32(behindZeros(dense.slice(u, u + p)), [2, p]),
    pair_features: float32(behindZeros(dense.slice(u + p)), [2, q]),
    categories: int64([...new Array(c).fill(0), ...examples.categories.slice(row * c, (row + 1) * c)], [2, c]),
  };
  const [trained, served] = [new Float32Array(rowWidth), new Float32Array(rowWidth)];
  readExample(examples, row, trained);
  served.set(loggedFeatures(feeds, 1));
  assert.deepEqual(served, trained);
});

test("only a positive that was found is positive; rows that stand for no candidate are left out", () => {
  const examples = examplesOf(3);
  examples.found[1] = 0;
  examples.weights[11] = 0;
  assert.deepEqual([...(labelledRows(examples, 2).labels as Uint8Array)], [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
  assert.deepEqual([...rowsOfRequests(examples, Uint32Array.of(2, 0))], [8, 9, 10, 0, 1, 2, 3]);
});

test("each head's probabilities sum to what happened in the whole window, however wrong the logits", async () => {
  const examples = examplesOf(200);
  // says twice what the first feature says
  const fit: FitHead = () => (row) => 2 * row[0] + 5;
  const probabilities = await calibratedHeads(fit, examples, { training: numbers(0, 150), heldOut: numbers(150, 200) });
  const sums = [0, 0, 0];
  const row = new Float32Array(rowWidth);
  const out = new Float32Array(3);
  for (let i = 0; i < 800; i++) {
    readExample(examples, i, row);
    probabilities(row, out);
    for (const head of [0, 1, 2]) sums[head] += examples.lossWeights[i] * out[head];
  }
  const votes = examples.requests.filter((_, r) => examples.positives(r, 1) === 1).length;
  for (const [head, happened] of [0, votes, 200].entries()) {
    // one more positive among two more rows is counted in
    assert.ok(Math.abs(sums[head] - happened) < 1.5, `head ${head}: ${sums[head]} instead of ${happened}`);
  }
});

test("logistic regression learns a feature's and a category's weight, and clips at 5 deviations", () => {
  const examples = examplesOf(4000);
  const random = new Random(2);
  const labels = new Uint8Array(16_000);
  const firstOfLast = categoryRows - categories[categories.length - 1].size;
  for (let row = 0; row < labels.length; row++) {
    const category = examples.categories[(row + 1) * categories.length - 1];
    const logit = examples.dense[row * denseWidth] - 1 + (category < firstOfLast + 8 ? 2 : 0);
    labels[row] = random.uniform() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
  }
  const ones = new Float32Array(denseWidth).fill(1);
  const standardisation = { mean: new Float32Array(denseWidth), deviation: ones };
  const rows = { ...labelledRows(examples, 0), labels, weights: new Float32Array(16_000).fill(1) };
  const parts = { training: numbers(0, 16_000), heldOut: new Uint32Array() };
  const logit = fitLogisticHead(standardisation)(rows, parts) as (row: Float32Array) => number;
  const row = new Float32Array(rowWidth);
  let offset = 0;
  for (const [c, { size }] of categories.entries()) {
    row[denseWidth + c] = offset;
    offset += size;
  }
  const at = (first: number, last: number) => {
    row[0] = first;
    row[rowWidth - 1] = firstOfLast + last;
    return logit(row);
  };
  assert.ok(Math.abs(at(1, 0) - at(0, 0) - 1) < 0.1, `a deviation: ${at(1, 0) - at(0, 0)}`);
  assert.ok(Math.abs(at(0, 0) - at(0, 15) - 2) < 0.4, `the category: ${at(0, 0) - at(0, 15)}`);
  assert.equal(at(9, 0), at(5, 0));
});
