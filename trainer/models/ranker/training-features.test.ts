/** The bins of what a ranker was trained on, held against counting. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { startBackend } from "../nn/backend.ts";
import { Random } from "../nn/random.ts";
import { denseWidth, similarityColumn } from "./dense-features.ts";
import { dlrmForward } from "./forward.ts";
import { newDlrm } from "./model.ts";
import { randomExamples, testOptions } from "./testing.ts";
import { minimumRequests, tenths, trainingFeatures } from "./training-features.ts";

before(() => startBackend("js"));

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
const ones = (n: number) => Array<number>(n).fill(1);

/** The share of the weight in each bin, by looking at every value. */
function sharesBy(edges: number[], values: number[], weights: number[]): number[] {
  const shares = Array<number>(edges.length + 1).fill(0);
  for (const [i, value] of values.entries()) shares[edges.filter((edge) => edge <= value).length] += weights[i];
  return shares.map((share) => share / sum(weights));
}

function assertShares(actual: number[], expected: number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [i, share] of actual.entries()) assert.ok(Math.abs(share - expected[i]) < 1e-9, `bin ${i}: ${actual}`);
}

test("values that differ fall into tenths, in whatever order they come and whatever they weigh", () => {
  const random = new Random(1);
  const values = Array.from({ length: 5000 }, () => Math.fround(random.normal()));
  const even = tenths(values, ones(5000));
  assert.equal(even.edges.length, 9);
  assertShares(even.shares, sharesBy(even.edges, values, ones(5000)));
  for (const share of even.shares) assert.ok(Math.abs(share - 0.1) < 0.001);
  const weights = values.map((value) => (value > 0 ? 3 : 1));
  const weighted = tenths(values, weights);
  assertShares(weighted.shares, sharesBy(weighted.edges, values, weights));
  for (const share of weighted.shares) assert.ok(Math.abs(share - 0.1) < 0.002);
  // the tenths of what is above 0 begin after a quarter of the weight
  assert.equal(weighted.edges.filter((edge) => edge < 0).length, 2);
});

test("of few values each has its bin, and none is split", () => {
  for (const values of [
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [...ones(96).map(() => 0), 1, 1, 1, 1],
    [1, 2, 3, 2, 2, 1],
  ]) {
    const { edges, shares } = tenths(values, ones(values.length));
    assert.equal(edges.length, new Set(values).size - 1);
    assertShares(shares, sharesBy(edges, values, ones(values.length)));
    for (const edge of edges) assert.ok(!values.includes(edge), "between two values");
  }
});

test("a value that never changes has a bin of its own, so that another one shows", () => {
  for (const value of [0, 7, -1000]) {
    const { edges, shares } = tenths([value, value, value], ones(3));
    assert.deepEqual(shares, [0, 1, 0]);
    assert.ok(edges[0] < value && value < edges[1]);
  }
});

test("what differs by less than a hundredth of the range is alike", () => {
  const values = [...Array.from({ length: 900 }, (_, i) => i / 100_000), ...ones(100).map(() => 5)];
  const { edges, shares } = tenths(values, ones(1000));
  for (const [i, edge] of edges.entries()) assert.ok(i === 0 || edge - edges[i - 1] >= 0.05);
  assertShares(shares, sharesBy(edges, values, ones(1000)));
});

test("each request counts with the ten candidates that rank best, as many as each row stands for", () => {
  const random = new Random(2);
  const rows = 24;
  const examples = randomExamples(random, minimumRequests, rows);
  // sampled negatives that stand for others, and rows that fill up a request
  for (let i = 0; i < examples.weights.length; i++) examples.weights[i] = i % rows < 12 ? 1 : i % rows < 20 ? 2.5 : 0;
  const every = Uint32Array.from(examples.requests.keys());
  const dlrm = newDlrm(examples, every, testOptions, random);
  dlrm.calibration.scale.set([1, 0.5, 2]);
  dlrm.calibration.shift.set([-1, -2, 0]);
  const features = trainingFeatures(dlrm, examples, every, testOptions.scoreWeights);
  const logits = dlrmForward(dlrm, examples, every);
  const [values, weights]: number[][] = [[], []];
  const hours: number[] = [];
  for (const r of every) {
    const scored = Array.from({ length: rows }, (_, i) => {
      const row = r * rows + i;
      const p = (head: number) =>
        1 / (1 + Math.exp(-dlrm.calibration.scale[head] * logits[3 * row + head] - dlrm.calibration.shift[head]));
      return { row, score: 0.2 * p(0) + p(1) + p(2) };
    }).sort((a, b) => b.score - a.score);
    let taken = 0;
    for (const { row } of scored) {
      const weight = Math.min(examples.weights[row], 10 - taken);
      if (weight === 0) continue;
      taken += weight;
      values.push(examples.dense[row * denseWidth + similarityColumn]);
      hours.push(examples.categories[row * 5]);
      weights.push(weight);
    }
    assert.equal(taken, 10);
  }
  const of = (name: string) => features.find(({ feature }) => feature === name) ?? assert.fail(name);
  const { edges, shares } = of("pair similarity");
  assertShares(shares, sharesBy(edges, values, weights));
  for (const share of shares) assert.ok(Math.abs(share - 0.1) < 0.01);
  assertShares(of("category hour").shares, sharesBy(of("category hour").edges, hours, weights));
  assert.equal(features.length, denseWidth + 5);
  assert.equal(new Set(features.map(({ feature }) => feature)).size, features.length, "no name is used twice");
  assert.deepEqual(trainingFeatures(dlrm, examples, every.subarray(1), testOptions.scoreWeights), []);
});
