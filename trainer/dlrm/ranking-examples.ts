/** The ranker's training set in memory: the rows of its requests, packed. */
import { categories } from "../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { denseWidth } from "./dense-features.ts";
import type { Request } from "./requests.ts";

/**
 * Rows of a number of requests, `rows` each. Where retrieval brought the positive it is row 0 and all others are
 * negatives; where it did not, all rows are negatives: a positive that no source had brought would be known by that alone,
 * and there is none in serving.
 */
export class RankingExamples {
  readonly rows: number;
  readonly requests: Request[];
  /** [requests, 32] */
  readonly users: Float32Array;
  /** [requests] 1 where row 0 is the positive. */
  readonly found: Uint8Array;
  /** [requests · rows] post numbers */
  readonly posts: Int32Array;
  /** [requests · rows] how many candidates a row stands for; 0 for rows that fill up a request of few candidates. */
  readonly weights: Float32Array;
  /** [requests · rows, user + post + pair features] */
  readonly dense: Float32Array;
  /** [requests · rows, categories] */
  readonly categories: Int32Array;

  constructor(requests: Request[], rows: number) {
    this.requests = requests;
    this.rows = rows;
    const n = requests.length * rows;
    this.users = new Float32Array(requests.length * dimensions);
    this.found = new Uint8Array(requests.length);
    this.posts = new Int32Array(n);
    this.weights = new Float32Array(n);
    this.dense = new Float32Array(n * denseWidth);
    this.categories = new Int32Array(n * categories.length);
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

  /** A head's label of a request's row 0; every other row's is 0. */
  label(request: number, head: number): number {
    return this.found[request] * this.requests[request].labels[head];
  }
}

/** Numbers of the requests that the ranker learns from, and of the later ones that choose its epoch. */
export interface RankerParts {
  training: Uint32Array;
  heldOut: Uint32Array;
}
