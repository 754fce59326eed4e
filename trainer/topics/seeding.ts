/**
 * Starts of k-means: k-means++ (Arthur and Vassilvitskii, "k-means++: The Advantages of Careful Seeding", 2007). Further centroids are drawn
 * in proportion to the squared distance from the nearest one; of several draws the one that lowers their sum most is taken.
 */
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import type { Random } from "../models/nn/random.ts";
import { vectorAt } from "../models/nn/vector-at.ts";
import { cosine, rowsAt, rowsOf } from "./k-means.ts";

/** Of so many posts centroids are drawn: each is compared with each centroid. */
const sampleSize = 20_000;

/** Nearer than this, as a squared distance, vectors are the same but for rounding. */
const same = 1e-6;

/**
 * Up to `k` centroids [k', 32]: those in `begun` [≤ k, 32], and posts of `vectors` [N, 32]. Fewer than `k` where there are no more
 * different vectors.
 */
export function seed(vectors: Float32Array, k: number, random: Random, begun = new Float32Array(0)): Float32Array {
  const sample = sampleOf(vectors, random);
  const n = rowsOf(sample);
  const centroids = new Float32Array(k * dimensions);
  centroids.set(begun);
  let count = rowsOf(begun);
  // squared distances of vectors of unit length: 2 − 2 cos
  let distances = new Float64Array(n).fill(count === 0 ? 1 : 4);
  for (let c = 0; c < count; c++) distances = nearer(sample, distances, centroids, c).distances;
  const draws = 2 + Math.floor(Math.log(k));
  for (; count < k; count++) {
    let best: { drawn: number; distances: Float64Array<ArrayBuffer>; sum: number } | undefined;
    const sum = distances.reduce((total, each) => total + each, 0);
    if (!(sum > same * n)) break;
    for (let draw = 0; draw < draws; draw++) {
      const drawn = drawnBy(distances, sum * random.uniform());
      const left = nearer(sample, distances, sample, drawn);
      if (!best || left.sum < best.sum) best = { drawn, ...left };
    }
    if (!best) break;
    centroids.set(vectorAt(sample, best.drawn), count * dimensions);
    distances = best.distances;
  }
  return centroids.slice(0, count * dimensions);
}

function sampleOf(vectors: Float32Array, random: Random): Float32Array {
  const n = rowsOf(vectors);
  if (n <= sampleSize) return vectors;
  return rowsAt(
    vectors,
    Array.from({ length: sampleSize }, () => random.below(n)),
  );
}

/** Distances to the nearest centroid once row `c` of `centroids` is one of them. */
function nearer(sample: Float32Array, distances: Float64Array, centroids: Float32Array, c: number) {
  const left = new Float64Array(distances.length);
  let sum = 0;
  for (let i = 0; i < distances.length; i++) {
    left[i] = Math.min(distances[i], Math.max(0, 2 - 2 * cosine(sample, i, centroids, c)));
    sum += left[i];
  }
  return { distances: left, sum };
}

/** The row in whose part of the line from 0 to the sum of all distances a point lies. */
function drawnBy(distances: Float64Array, point: number): number {
  let last = 0;
  for (let i = 0; i < distances.length; i++) {
    if (distances[i] === 0) continue;
    last = i;
    if (point < distances[i]) break;
    point -= distances[i];
  }
  return last;
}
