/**
 * Implicit ALS (Hu, Koren, Volinsky 2008): minimises Σ c (p − x·y)² + regularisation (|x|² + |y|²) over all pairs, p = 1 and
 * c = alpha where there was one, p = 0 and c = 1 elsewhere, by turns for users and posts, three conjugate gradient steps per row.
 */
import { conjugateGradients } from "../../../supabase/functions/_shared/features/conjugate-gradients.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { Random } from "./random.ts";

export interface AlsOptions {
  factors: number;
  regularisation?: number | undefined;
  iterations: number;
}

/** The interaction matrix by rows and by columns: the posts of each user, the users of each post. */
export interface BipartiteInteractions {
  postsOf: number[][];
  usersOf: number[][];
}

/** [rows, factors] each. */
export interface Factors {
  users: Float64Array;
  posts: Float64Array;
}

/** Confidence of a pair with an interaction; of any other it is 1. */
const alpha = 4;
const usualRegularisation = 30;

/** The factors of all users and posts; the same pairs give the same. */
export function factorise(
  { postsOf, usersOf }: BipartiteInteractions,
  { factors, regularisation = usualRegularisation, iterations }: AlsOptions,
): Factors {
  const random = new Random(42);
  const start = (rows: number) => Float64Array.from({ length: rows * factors }, () => random.uniform() * 0.01);
  const [users, posts] = [start(postsOf.length), start(usersOf.length)];
  const solveAll = (rows: Float64Array, others: Float64Array, positives: number[][]) => {
    const gram = gramOf(others, factors, regularisation);
    for (const [row, columns] of positives.entries()) {
      const x = rows.subarray(row * factors, (row + 1) * factors);
      if (columns.length === 0) x.fill(0);
      else solveRow(x, gram, others, columns, 3);
    }
  };
  for (let iteration = 0; iteration < iterations; iteration++) {
    solveAll(users, posts, postsOf);
    solveAll(posts, users, usersOf);
  }
  return { users, posts };
}

/** YᵀY + regularisation · I of the rows of Y, [factors, factors]. */
export function gramOf(rows: Float64Array, factors: number, regularisation = usualRegularisation): Float64Array {
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
    return product;
  };
  const residual = multiply(x).map((value) => -value);
  for (const row of positives) for (let f = 0; f < factors; f++) residual[f] += alpha * others[row * factors + f];
  conjugateGradients(x, residual, multiply, steps, 1e-20);
}
