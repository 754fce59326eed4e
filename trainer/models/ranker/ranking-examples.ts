/** The ranker's training set in memory: the rows of its requests, packed. */
import { categories } from "../../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { type Head, kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { vectorMatchInputs } from "../../../supabase/functions/_shared/features/vector-match.ts";
import { vectorAt } from "../nn/vector-at.ts";
import { denseWidth, type Standardisation } from "./dense-features.ts";
import type { RankerRequest } from "./page-requests.ts";
import { unknown } from "./requests.ts";

/**
 * Rows of requests, `rows` each. At a first interaction row 0 is the positive where retrieval returned it, else all rows are
 * negatives, as in serving. Of a page its posts come first, with their outcomes, then candidates that were not shown.
 */
export class RankingExamples {
  readonly rows: number;
  readonly requests: RankerRequest[];
  /** What there are labels of. */
  readonly heads: readonly Head[];
  /** [requests, 32] */
  readonly users: Float32Array;
  /** [requests] 1 where the user interacted with a row's post; 0: what its labels of `kinds` say does not count. */
  readonly found: Uint8Array;
  /** [requests · rows] post numbers */
  readonly posts: Int32Array;
  /** [requests · rows, 32] Of these posts, by the towers that found them. */
  readonly postVectors: Float32Array;
  /** [requests · rows] how many candidates a row stands for; 0 for rows that fill up a request of few candidates. */
  readonly weights: Float32Array;
  /** [requests · rows] How much a row counts in the losses; 0 for rows that fill up a request. */
  readonly lossWeights: Float32Array;
  /**
   * [requests · rows] The logarithm of the place it was shown at; 0 where it was not shown, or the place is unknown.
   */
  readonly logPositions: Float32Array;
  /** [requests · rows, heads] 1 where the user did that; `unknown` where it does not count for that head. */
  readonly labels: Uint8Array;
  /** [requests · rows, kinds] How much what the user did counts compared with others of its kind. */
  readonly deedWeights: Float32Array;
  /** [requests · rows, user + post + pair features] */
  readonly dense: Float32Array;
  /** [requests · rows, categories] */
  readonly categories: Int32Array;
  /** [requests · rows, 2] `vectorMatches`; empty where the model reads no vectors of the app's own. */
  readonly vectorMatches: Float32Array;

  constructor(requests: RankerRequest[], rows: number, heads: readonly Head[] = kinds, readsVectors = false) {
    this.requests = requests;
    this.rows = rows;
    this.heads = heads;
    const n = requests.length * rows;
    this.users = new Float32Array(requests.length * dimensions);
    this.found = new Uint8Array(requests.length);
    this.posts = new Int32Array(n);
    this.postVectors = new Float32Array(n * dimensions);
    this.weights = new Float32Array(n);
    this.lossWeights = new Float32Array(n);
    this.logPositions = new Float32Array(n);
    this.labels = new Uint8Array(n * heads.length);
    this.deedWeights = new Float32Array(n * kinds.length).fill(1);
    this.dense = new Float32Array(n * denseWidth);
    this.categories = new Int32Array(n * categories.length);
    this.vectorMatches = new Float32Array(readsVectors ? n * vectorMatchInputs : 0);
  }

  /** The number of a request's i-th row. */
  rowOf(request: number, i = 0): number {
    return request * this.rows + i;
  }

  /** Numbers of all rows of some requests. */
  rowsOf(requests: Uint32Array): Uint32Array {
    const { rows } = this;
    return Uint32Array.from({ length: requests.length * rows }, (_, i) =>
      this.rowOf(requests[Math.floor(i / rows)], i % rows),
    );
  }

  /** A head's label of a row; 0 where it is not known. */
  label(row: number, head: number): number {
    const label = this.labels[row * this.heads.length + head];
    if (head >= kinds.length) return label === unknown ? 0 : label;
    return this.found[Math.floor(row / this.rows)] * label;
  }

  /** How much a row counts in the loss of a head. */
  countsFor(row: number, head: number): number {
    return this.isKnown(row, head) ? this.lossWeights[row] : 0;
  }

  /** Whether a row's label counts for a head. */
  isKnown(row: number, head: number): boolean {
    return this.labels[row * this.heads.length + head] !== unknown;
  }

  /** Whether the user did anything that a head is about. */
  saysSomething(request: number): boolean {
    if (this.found[request] === 1) return true;
    for (let head = kinds.length; head < this.heads.length; head++) if (this.positives(request, head) > 0) return true;
    return false;
  }

  /**
   * Each row's share of what a request earned by the weights of the score, into `out` [rows]; all 0 where nothing was done. What counts
   * nothing in the score was wanted all the same.
   */
  gains(request: number, scoreWeights: number[], out: Float32Array): void {
    let sum = 0;
    for (let i = 0; i < this.rows; i++) {
      out[i] = 0;
      for (let head = 0; head < kinds.length; head++)
        out[i] += this.label(this.rowOf(request, i), head) * Math.max(scoreWeights[head], leastGain);
      sum += out[i];
    }
    if (sum > 0) for (let i = 0; i < this.rows; i++) out[i] /= sum;
  }

  /** The mean weight of what was done with a row's post, by what each kind counts in the score; NaN: nothing was done. */
  deedWeight(row: number, scoreWeights: number[]): number {
    let [weighted, sum] = [0, 0];
    for (let kind = 0; kind < kinds.length; kind++) {
      const gain = this.label(row, kind) * Math.max(scoreWeights[kind], leastGain);
      weighted += gain * this.deedWeights[row * kinds.length + kind];
      sum += gain;
    }
    return weighted / sum;
  }

  /** How many of a request's rows are positives of a head. */
  positives(request: number, head: number): number {
    let count = 0;
    for (let i = 0; i < this.rows; i++) count += this.label(this.rowOf(request, i), head);
    return count;
  }
}

const leastGain = 0.01;

/** Numbers of the requests that the ranker learns from, and of the later ones that choose its epoch. */
export interface RankerParts {
  training: Uint32Array;
  heldOut: Uint32Array;
}

/** Mean and deviation of each dense feature over the rows the requests have; a constant feature gets deviation 1. */
export function standardisationOf(examples: RankingExamples, requests: Uint32Array): Standardisation {
  const sums = new Float64Array(denseWidth);
  const squares = new Float64Array(denseWidth);
  const rows = examples.rowsOf(requests).filter((row) => examples.weights[row] > 0);
  for (const row of rows) {
    for (let f = 0; f < denseWidth; f++) {
      const value = examples.dense[row * denseWidth + f];
      sums[f] += value;
      squares[f] += value * value;
    }
  }
  const mean = Float32Array.from(sums, (sum) => sum / rows.length);
  const deviation = Float32Array.from(squares, (square, f) => {
    const variance = square / rows.length - mean[f] ** 2;
    return variance > 1e-8 ? Math.sqrt(variance) : 1;
  });
  return { mean, deviation };
}

// A few of the requests that a ranker was told of, for the gate to see whether the exported graph answers as the trainer does.

const number = 2;

/** The last of them, the latest first, each alone; the other examples need not be kept for them. */
export function sampledRequests(examples: RankingExamples): RankingExamples[] {
  const last = examples.requests.map((_, request) => request).slice(-number);
  return last.reverse().map((request) => oneRequest(examples, request));
}

/** A request alone, each of whose rows that stands for anything stands for one candidate, as in serving. */
function oneRequest(examples: RankingExamples, request: number): RankingExamples {
  const first = examples.rowOf(request);
  const rows = examples.weights.subarray(first, examples.rowOf(request + 1)).findLastIndex((weight) => weight > 0) + 1;
  const one = new RankingExamples(
    [examples.requests[request]],
    rows,
    examples.heads,
    examples.vectorMatches.length > 0,
  );
  one.users.set(vectorAt(examples.users, request));
  one.posts.set(examples.posts.subarray(first, first + rows));
  one.postVectors.set(examples.postVectors.subarray(first * dimensions, (first + rows) * dimensions));
  one.weights.fill(1);
  one.dense.set(examples.dense.subarray(first * denseWidth, (first + rows) * denseWidth));
  one.vectorMatches.set(examples.vectorMatches.subarray(first * vectorMatchInputs, (first + rows) * vectorMatchInputs));
  const c = categories.length;
  one.categories.set(examples.categories.subarray(first * c, (first + rows) * c));
  return one;
}
