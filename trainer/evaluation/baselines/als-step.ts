import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";

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
