import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../../models/nn/random.ts";
import { countBelow } from "../../metrics/statistics.ts";
import { type BoostOptions, boost, boostedLogit, sampleRows } from "./boost.ts";
import { bestSplit, binCount, binRows, cutsOf, growTree, histogramOf, type Tree, treeValue } from "./grow-tree.ts";

const options = { leaves: 4, l2: 0, minChildWeight: 0, maximumStep: Number.POSITIVE_INFINITY, learningRate: 1 };
const boosting: BoostOptions = { ...options, trees: 100, patience: 5 };

/** Rows of some features, each with a label, all of weight 1. */
function rowsOf(features: number[][], labels: number[], weights = labels.map(() => 1)) {
  const read = (row: number, out: Float32Array) => out.set(features[row]);
  return { width: features[0].length, read, labels, weights };
}

const numbers = (from: number, to: number) => Uint32Array.from({ length: to - from }, (_, i) => from + i);

test("few values get a bin each, cut in the middle; many get bins of as many rows", () => {
  assert.deepEqual([...cutsOf(Float32Array.of(5, 1, 1, 2, 5))], [1.5, 3.5]);
  const cuts = cutsOf(Float32Array.from({ length: 6400 }, (_, i) => i));
  assert.equal(cuts.length, binCount - 1);
  const counts = new Array(binCount).fill(0);
  for (let value = 0; value < 6400; value++) counts[countBelow(cuts, value)]++;
  for (const count of counts) assert.ok(Math.abs(count - 100) <= 1, `${count} rows in a bin of 100`);
  // nothing to cut
  assert.deepEqual([...cutsOf(Float32Array.of(7, 7))], []);
});

test("the best split by hand: gradients −1, −1 against 2, 2, each of curvature 1", () => {
  const gradients = Float64Array.of(-1, -1, 2, 2);
  const ones = new Float64Array(4).fill(1);
  const bins = Uint8Array.of(0, 3, 0, 4, 1, 3, 1, 4);
  const histogram = histogramOf(bins, 2, numbers(0, 4), gradients, ones);
  // (−2)² / 2 + 4² / 2 − 2² / 4
  assert.deepEqual(bestSplit(histogram, options), { feature: 0, bin: 0, gain: 9 });
  // (−2)² / 3 + 4² / 3 − 2² / 5
  const shrunk = bestSplit(histogram, { ...options, l2: 1 });
  assert.ok(shrunk && Math.abs(shrunk.gain - (4 / 3 + 16 / 3 - 4 / 5)) < 1e-12);
  assert.equal(bestSplit(histogram, { ...options, minChildWeight: 3 }), undefined);
});

test("a tree by hand: leaf by leaf where the gain is largest, each leaf its Newton step", () => {
  const features = [[0], [1], [2], [3]];
  const cuts = [cutsOf(Float32Array.of(0, 1, 2, 3))];
  const bins = binRows(numbers(0, 4), cuts, rowsOf(features, [0, 0, 0, 0]).read);
  const gradients = Float64Array.of(-10, -8, 1, 1);
  const curvatures = Float64Array.of(2, 2, 2, 2);
  const grown = (more: object) =>
    growTree({ bins, cuts }, numbers(0, 4), gradients, curvatures, { ...options, ...more });
  const values = (more: object) =>
    features.map((row) => treeValue(grown(more), ({ feature, threshold }) => row[feature] <= threshold));
  assert.deepEqual(values({ leaves: 2 }), [4.5, 4.5, -0.5, -0.5]);
  assert.deepEqual(values({ leaves: 3 }), [5, 4, -0.5, -0.5]);
  // the last two agree: nothing is gained by a fourth leaf
  const leavesOf = ({ split }: Tree): number => (split ? leavesOf(split.left) + leavesOf(split.right) : 1);
  assert.equal(leavesOf(grown({ leaves: 4 })), 3);
  assert.deepEqual(values({ leaves: 2, maximumStep: 3 }), [3, 3, -0.5, -0.5]);
  const tree = grown({ leaves: 3 });
  const binned = features.map((_, row) => treeValue(tree, ({ feature, bin }) => bins[row + feature] <= bin));
  assert.deepEqual(binned, [5, 4, -0.5, -0.5]);
});

test("one binary feature: the logits become the log odds of either side", async () => {
  const rows = rowsOf([[1], [1], [1], [1], [0], [0], [0], [0]], [1, 1, 1, 0, 1, 0, 0, 0]);
  const trees = await boost(rows, { training: numbers(0, 8), heldOut: numbers(0, 8) }, boosting);
  assert.ok(Math.abs(boostedLogit(trees, Float32Array.of(1)) - Math.log(3)) < 1e-4);
  assert.ok(Math.abs(boostedLogit(trees, Float32Array.of(0)) + Math.log(3)) < 1e-4);
});

test("learns that two features count only together", async () => {
  const features = [0, 1, 2, 3].flatMap((i) => Array.from({ length: 50 }, () => [i & 1, i >> 1]));
  const rows = rowsOf(
    features,
    features.map(([a, b], i) => (i % 50 === 0 ? 1 : 0) ^ (a & b)),
  );
  const parts = { training: numbers(0, 200), heldOut: numbers(0, 200) };
  const trees = await boost(rows, parts, { ...boosting, l2: 0.1, maximumStep: 3, learningRate: 0.3 });
  for (const [a, b] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ]) {
    const p = 1 / (1 + Math.exp(-boostedLogit(trees, Float32Array.of(a, b))));
    assert.ok(Math.abs(p - (a & b ? 0.98 : 0.02)) < 0.02, `${p} at ${a}, ${b}`);
  }
});

test("keeps the trees that do best on held-out rows: none where these say the opposite", async () => {
  const rows = rowsOf([[1], [1], [0], [0], [1], [1], [0], [0]], [1, 1, 0, 0, 0, 0, 1, 1]);
  const parts = { training: numbers(0, 4), heldOut: numbers(4, 8) };
  const { trees, heldOutLosses } = await boost(rows, parts, { ...boosting, learningRate: 0.1 });
  assert.equal(trees.length, 0);
  assert.equal(heldOutLosses.length, 1 + 5);
  assert.ok(Math.abs(heldOutLosses[0] - Math.log(2)) < 1e-12);
});

test("a row of weight 3 equals three rows", async () => {
  const few = rowsOf([[1], [1], [0], [0]], [1, 0, 1, 0], [3, 1, 1, 3]);
  const many = rowsOf([[1], [1], [1], [1], [0], [0], [0], [0]], [1, 1, 1, 0, 1, 0, 0, 0]);
  const parts = (n: number) => ({ training: numbers(0, n), heldOut: numbers(0, n) });
  const [a, b] = [await boost(few, parts(4), boosting), await boost(many, parts(8), boosting)];
  for (const x of [0, 1]) {
    const row = Float32Array.of(x);
    assert.ok(Math.abs(boostedLogit(a, row) - boostedLogit(b, row)) < 1e-9);
  }
});

test("sampling keeps all steep rows, and the others' sums about as they were", () => {
  const gradients = Float64Array.from({ length: 50_000 }, (_, i) => (i % 20 === 0 ? -1 : 0.01 + (i % 7) / 1000));
  const curvatures = gradients.map(Math.abs);
  const before = gradients.reduce((sum, value) => sum + value, 0);
  const rows = sampleRows(gradients, curvatures, new Random(1));
  assert.equal(rows.filter((row) => row % 20 === 0).length, 2500);
  assert.ok(rows.length < 0.25 * gradients.length, `${rows.length} rows`);
  const after = rows.reduce((sum, row) => sum + gradients[row], 0);
  assert.ok(Math.abs(after - before) < 0.02 * Math.abs(before), `${after} instead of ${before}`);
});
