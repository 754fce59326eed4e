import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";

/** A function to be minimised, at some weights. */
export interface Derivatives {
  value: number;
  /** [n] */
  gradient: Float64Array;
  /** [n, n], positive definite; its lower triangle is enough. It is overwritten. */
  hessian: Float64Array;
}

export interface Problem {
  start: Float64Array;
  derivatives: (weights: Float64Array) => Derivatives;
  /** The search ends where a step gains less than this share of the value. */
  tolerance: number;
  /** Steps at most. */
  iterations: number;
}

/** Below this share of Newton's step the search gives up. */
const smallestStep = 1e-4;

/** The weights at which a convex function is least, by Newton's method with halved steps. */
export function minimise({ start, derivatives, tolerance, iterations }: Problem): Float64Array {
  let here = { weights: start, ...derivatives(start) };
  for (let iteration = 0; iteration < iterations; iteration++) {
    const direction = newtonDirection(here);
    const next = (step: number) => {
      const weights = here.weights.map((weight, i) => weight - step * direction[i]);
      return { weights, ...derivatives(weights) };
    };
    let step = 1;
    let there = next(step);
    // a full step can leap past the minimum and never come back; half of it, or half of that, does not
    while (!(there.value <= here.value)) {
      step /= 2;
      if (step < smallestStep) return here.weights;
      there = next(step);
    }
    const gained = here.value - there.value;
    const isStill = gained < tolerance * here.value;
    here = there;
    if (isStill) break;
  }
  return here.weights;
}

/** hessian⁻¹ · gradient: what Newton's method takes off the weights. */
function newtonDirection({ gradient, hessian }: Derivatives): Float64Array {
  const n = gradient.length;
  const inverse = invert(hessian, n);
  return gradient.map((_, i) => innerProduct(inverse, i * n, gradient, 0, n));
}

/**
 * Inverse of a symmetric positive definite n × n matrix (row by row), in place, by the sweep operator on its lower
 * triangle: n³/2 multiplications, all along rows. ml-matrix 6.15 takes three times as long for n = 40 and twice for 800, and
 * rounds otherwise, which would change what a seed trains.
 */
export function invert(matrix: Float64Array, n: number): Float64Array {
  const column = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < n; i++) column[i] = i < k ? matrix[k * n + i] : matrix[i * n + k];
    const pivot = column[k];
    if (!(pivot > 0)) throw new Error("The matrix is not positive definite.");
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = column[i] / pivot;
      if (factor === 0) continue;
      const row = i * n;
      for (let j = 0; j <= i; j++) matrix[row + j] -= factor * column[j];
    }
    for (let i = 0; i < n; i++) {
      const value = i === k ? -1 / pivot : column[i] / pivot;
      if (i < k) matrix[k * n + i] = value;
      else matrix[i * n + k] = value;
    }
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const value = -matrix[i * n + j];
      matrix[i * n + j] = value;
      matrix[j * n + i] = value;
    }
  }
  return matrix;
}
