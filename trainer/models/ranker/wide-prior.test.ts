import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../nn/random.ts";
import { covisitedColumn, denseWidth, logIdleColumn, similarityColumn } from "./dense-features.ts";
import type { RankingExamples } from "./ranking-examples.ts";
import { randomExamples, testOptions } from "./testing.ts";
import { fitWidePrior, widePriorScores } from "./wide-prior.ts";

const { scoreWeights } = testOptions;

const all = (examples: RankingExamples) => Uint32Array.from(examples.requests.keys());

/** Requests whose positive is drawn by a softmax of recency baseline × a, and of the columns of the start by their weights. */
function drawn(recencyBaseline: number, weights: number[], requests: number, rows: number): RankingExamples {
  const random = new Random(3);
  const examples = randomExamples(random, requests, rows);
  const scores = widePriorScores(examples, all(examples), { recencyBaseline, weights });
  for (let r = 0; r < requests; r++) {
    const chances = [...scores.subarray(r * rows, (r + 1) * rows)].map(Math.exp);
    let left = random.uniform() * chances.reduce((sum, chance) => sum + chance);
    let chosen = 0;
    while (chosen < rows - 1 && left > chances[chosen]) left -= chances[chosen++];
    swap(examples.dense, r * rows * denseWidth, (r * rows + chosen) * denseWidth);
  }
  return examples;
}

function swap(dense: Float32Array, a: number, b: number): void {
  const kept = dense.slice(a, a + denseWidth);
  dense.copyWithin(a, b, b + denseWidth);
  dense.set(kept, b);
}

test("finds the weights that the positives were drawn with", () => {
  const weights = [2, -0.8, 0.3];
  const examples = drawn(0.5, weights, 2000, 12);
  const start = fitWidePrior(examples, all(examples), scoreWeights);
  assert.ok(Math.abs(start.recencyBaseline - 0.5) < 0.08, `recency baseline ${start.recencyBaseline}`);
  for (const [i, weight] of weights.entries())
    assert.ok(Math.abs(start.weights[i] - weight) < 0.15, `${start.weights} for ${weights}`);
});

test("a row counts as often as its weight says", () => {
  const examples = randomExamples(new Random(1), 1, 3);
  const set = (row: number, idle: number, weight: number) => {
    examples.dense.fill(0, row * denseWidth, (row + 1) * denseWidth);
    examples.dense[row * denseWidth + logIdleColumn] = idle;
    examples.lossWeights[row] = weight;
  };
  set(0, 0, 1);
  set(1, 1, 4);
  set(2, -50, 0);
  const { recencyBaseline: x, weights } = fitWidePrior(examples, Uint32Array.of(0), scoreWeights);
  assert.deepEqual(weights, [0, 0, 0]);
  // the minimum of (x − 1)² / 2 + log(1 + 4 exp(−x)): x − 1 = 4 / (exp(x) + 4)
  assert.ok(Math.abs(x - 1 - 4 / (Math.exp(x) + 4)) < 1e-4, `recency baseline ${x}`);
});

test("without a found post, and where similarity is constant, the recency baseline stays", () => {
  const examples = randomExamples(new Random(2), 20, 12);
  examples.found.fill(0);
  assert.deepEqual(fitWidePrior(examples, all(examples), scoreWeights), { recencyBaseline: 1, weights: [0, 0, 0] });
  const constant = drawn(1, [0, 0, 0], 500, 12);
  for (let row = 0; row < 500 * 12; row++) constant.dense[row * denseWidth + similarityColumn] = 0.3;
  assert.ok(Math.abs(fitWidePrior(constant, all(constant), scoreWeights).weights[0]) < 1e-6);
});

test("popularity is no part of it where no post has a rank among neighbours", () => {
  const examples = drawn(0, [0, 0, 2], 500, 12);
  assert.ok(fitWidePrior(examples, all(examples), scoreWeights).weights[2] > 1.5);
  for (let row = 0; row < 500 * 12; row++) examples.dense[row * denseWidth + covisitedColumn] = 4.6;
  assert.deepEqual(fitWidePrior(examples, all(examples), scoreWeights).weights.slice(1), [0, 0]);
});
