import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { Random } from "../../engine/random.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";
import { InteractedPairs } from "./interacted-pairs.ts";

interface AlsOptions {
  factors: number;
  regularisation: number;
  /** Confidence of a pair with an interaction; of any other it is 1. */
  alpha: number;
  iterations: number;
  seed: number;
}

/**
 * Implicit ALS (Hu, Koren, Volinsky 2008): minimises Σ c (p − x·y)² + regularisation (|x|² + |y|²) over all pairs, p = 1 and
 * c = alpha where there was one, p = 0 and c = 1 elsewhere, by turns for users and posts, three conjugate gradient steps per row.
 * A user's vector is solved anew from their posts at each list, the posts' stay as trained.
 */
export class Als extends InteractedPairs implements Recommender {
  readonly name: string;
  private readonly options: AlsOptions;
  private readonly sizes: Sizes;
  private users = new Float64Array();
  private posts = new Float64Array();
  private gram: Float64Array = new Float64Array();

  constructor(sizes: Sizes, options: Partial<AlsOptions> = {}) {
    super(sizes);
    this.options = { factors: 128, regularisation: 30, alpha: 4, iterations: 60, seed: 42, ...options };
    this.name = `implicit ALS ${this.options.factors}`;
    this.sizes = sizes;
  }

  train(): void {
    const { factors, regularisation, alpha, iterations, seed } = this.options;
    const random = new Random(seed);
    const start = (rows: number) => Float64Array.from({ length: rows * factors }, () => random.uniform() * 0.01);
    this.users = start(this.sizes.users);
    this.posts = start(this.sizes.posts);
    const solveAll = (rows: Float64Array, others: Float64Array, positives: number[][]) => {
      const gram = gramOf(others, factors, regularisation);
      for (const [row, columns] of positives.entries()) {
        const x = rows.subarray(row * factors, (row + 1) * factors);
        if (columns.length === 0) x.fill(0);
        else solveRow(x, gram, others, columns, alpha, 3);
      }
    };
    for (let iteration = 0; iteration < iterations; iteration++) {
      solveAll(this.users, this.posts, this.postsOf);
      solveAll(this.posts, this.users, this.usersOf);
    }
    this.gram = gramOf(this.posts, factors, regularisation);
  }

  scores(user: number, _at: number, out: Float64Array): void {
    const { factors, alpha } = this.options;
    const x = this.users.slice(user * factors, (user + 1) * factors);
    solveRow(x, this.gram, this.posts, this.postsOf[user], alpha, 10);
    for (let post = 0; post < out.length; post++) out[post] = innerProduct(x, 0, this.posts, post * factors, factors);
  }
}

/** YᵀY + regularisation · I of the rows of Y, [factors, factors]. */
export function gramOf(rows: Float64Array, factors: number, regularisation: number): Float64Array {
  const gram = new Float64Array(factors * factors);
  for (let start = 0; start < rows.length; start += factors) {
    for (let i = 0; i < factors; i++) {
      const value = rows[start + i];
      if (value === 0) continue;
      for (let j = 0; j < factors; j++) gram[i * factors + j] += value * rows[start + j];
    }
  }
  for (let i = 0; i < factors; i++) gram[i * factors + i] += regularisation;
  return gram;
}

/**
 * Conjugate gradient steps on (gram + Σ (alpha − 1) y yᵀ) x = Σ alpha y, sums over the rows y of `others`.
 * Changes `x` in place, starting from what it holds.
 */
export function solveRow(
  x: Float64Array,
  gram: Float64Array,
  others: Float64Array,
  positives: number[],
  alpha: number,
  steps: number,
): void {
  const factors = x.length;
  const product = new Float64Array(factors);
  const multiply = (vector: Float64Array) => {
    product.fill(0);
    for (let i = 0; i < factors; i++) {
      const value = vector[i];
      if (value !== 0) for (let j = 0; j < factors; j++) product[j] += value * gram[i * factors + j];
    }
    for (const row of positives) {
      const start = row * factors;
      const weight = (alpha - 1) * innerProduct(others, start, vector, 0, factors);
      for (let f = 0; f < factors; f++) product[f] += weight * others[start + f];
    }
  };
  multiply(x);
  const residual = product.map((value) => -value);
  for (const row of positives) for (let f = 0; f < factors; f++) residual[f] += alpha * others[row * factors + f];
  const direction = residual.slice();
  let squares = innerProduct(residual, 0, residual, 0, factors);
  for (let step = 0; step < steps && squares > 1e-20; step++) {
    multiply(direction);
    const length = squares / innerProduct(direction, 0, product, 0, factors);
    for (let f = 0; f < factors; f++) {
      x[f] += length * direction[f];
      residual[f] -= length * product[f];
    }
    const next = innerProduct(residual, 0, residual, 0, factors);
    for (let f = 0; f < factors; f++) direction[f] = residual[f] + (next / squares) * direction[f];
    squares = next;
  }
}
