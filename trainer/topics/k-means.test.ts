import assert from "node:assert/strict";
import { test } from "node:test";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { Random } from "../models/nn/random.ts";
import { vectorAt } from "../models/nn/vector-at.ts";
import {
  cosine,
  fewestPosts,
  kMeans,
  meansOf,
  mostTopics,
  normalise,
  numberOfTopics,
  rowsOf,
  settle,
} from "./k-means.ts";
import { seed } from "./seeding.ts";

/** Rows around `k` random directions in turn, `sizes` of each, and the direction of each row. */
function blobs(sizes: number[], deviation: number, random: Random) {
  const directions = new Float32Array(sizes.length * dimensions).map(() => random.normal());
  const of = sizes.flatMap((size, c) => Array.from({ length: size }, () => c));
  const vectors = new Float32Array(of.length * dimensions);
  for (const [i, c] of of.entries()) {
    for (let d = 0; d < dimensions; d++)
      vectors[i * dimensions + d] = directions[c * dimensions + d] + deviation * random.normal();
    normalise(vectors, i);
  }
  return { vectors, of };
}

async function cluster(vectors: Float32Array, k: number, number = 1) {
  const random = new Random(number);
  return await settle(vectors, await kMeans(vectors, seed(vectors, k, random), random));
}

/** The share of rows that are in a cluster most of which is of their own kind. */
function purity(nearest: Int32Array, of: number[]): number {
  const counts = new Map<number, Map<number, number>>();
  for (const [i, c] of nearest.entries()) {
    const count = counts.get(c) ?? new Map<number, number>();
    counts.set(c, count.set(of[i], (count.get(of[i]) ?? 0) + 1));
  }
  return [...counts.values()].reduce((sum, count) => sum + Math.max(...count.values()), 0) / of.length;
}

test("clusters that lie apart are found with every seed, whether they have 60 rows or 1,000", async () => {
  const { vectors, of } = blobs([400, 80, 1000, 120, 300, 100, 60, 500], 0.1, new Random(7));
  for (const number of [1, 2, 3, 4, 5]) {
    const found = await cluster(vectors, 8, number);
    assert.equal(rowsOf(found.centroids), 8);
    assert.ok(purity(found.nearest, of) > 0.999, `seed ${number}: ${purity(found.nearest, of)}`);
  }
});

test("centroids are of unit length, and each row is with the nearest", async () => {
  const { vectors } = blobs([100, 100, 100], 1, new Random(3));
  const { centroids, nearest, similarity } = await cluster(vectors, 6);
  for (let c = 0; c < rowsOf(centroids); c++) assert.ok(Math.abs(cosine(centroids, c, centroids, c) - 1) < 1e-6);
  for (let i = 0; i < rowsOf(vectors); i++) {
    const all = Array.from({ length: rowsOf(centroids) }, (_, c) => cosine(vectors, i, centroids, c));
    assert.equal(all[nearest[i]], Math.max(...all));
    assert.ok(Math.abs(similarity[i] - all[nearest[i]]) < 1e-6);
  }
});

test("the same seed gives the same clusters", async () => {
  const { vectors } = blobs([200, 200, 200], 0.8, new Random(5));
  assert.deepEqual(await cluster(vectors, 10, 9), await cluster(vectors, 10, 9));
});

test("where there are fewer different vectors than clusters are asked for, there are as many clusters as those", async () => {
  const { vectors } = blobs([40, 40, 40], 0, new Random(2));
  assert.equal(rowsOf((await cluster(vectors, 20)).centroids), 3);
  const same = blobs([50], 0, new Random(2)).vectors;
  const one = await cluster(same, 7);
  assert.equal(rowsOf(one.centroids), 1);
  assert.ok(one.similarity.every((value) => value > 0.9999));
});

test("no rows have no clusters, and one has one", async () => {
  const none = await cluster(new Float32Array(0), 0);
  assert.deepEqual([rowsOf(none.centroids), none.nearest.length], [0, 0]);
  const single = await cluster(blobs([1], 0, new Random(1)).vectors, numberOfTopics(1));
  assert.deepEqual([rowsOf(single.centroids), [...single.nearest]], [1, [0]]);
});

test("opposite vectors, of which no mean has a direction, break nothing", async () => {
  const vectors = new Float32Array(40 * dimensions);
  for (let i = 0; i < 40; i++) vectors[i * dimensions] = i % 2 ? 1 : -1;
  const one = await cluster(vectors, 1);
  assert.ok(one.centroids.every(Number.isFinite));
  const two = await cluster(vectors, 2);
  assert.equal(rowsOf(two.centroids), 2);
  assert.ok(two.similarity.every((value) => value > 0.9999));
});

test("clusters that are too small go, and their rows join the next nearest", async () => {
  const { vectors, of } = blobs([100, 100, fewestPosts - 1, fewestPosts], 0.05, new Random(11));
  const { centroids, nearest } = await cluster(vectors, 4);
  assert.equal(rowsOf(centroids), 3);
  const sizes = [0, 1, 2].map((c) => nearest.filter((other) => other === c).length).sort((a, b) => a - b);
  assert.equal(sizes[0] >= fewestPosts, true, `${sizes}`);
  assert.equal(new Set(of.flatMap((kind, i) => (kind === 3 ? [nearest[i]] : []))).size, 1);
});

test("what begins where earlier clusters are finds those again", async () => {
  const { vectors, of } = blobs(
    Array.from({ length: 12 }, () => 80),
    0.5,
    new Random(4),
  );
  const begun = meansOf(
    vectors,
    Int32Array.from(of, (c) => (c < 9 ? c : -1)),
    9,
  ).centroids;
  const random = new Random(8);
  const start = seed(vectors, 12, random, begun);
  assert.deepEqual(vectorAt(start, 8), vectorAt(begun, 8));
  const found = await kMeans(vectors, start, random);
  for (const [i, c] of of.entries()) if (c < 9) assert.equal(found.nearest[i], c);
});

test("how many topics: one third of the root, within its limits", () => {
  assert.deepEqual([0, 1, 9, 10, 2500, 25_346, 360_000, 1e9].map(numberOfTopics), [
    0,
    1,
    1,
    2,
    17,
    54,
    200,
    mostTopics,
  ]);
});
