import { innerProduct } from "./inner-product.ts";

/**
 * Conjugate gradients (Hestenes & Stiefel, 1952) for A x = b with a symmetric positive definite A;
 * `multiply` computes A d. Updates `x` and `residual` = b − A x in place; ends after `steps`, or once the
 * squared residual is at most `enough`.
 */
export function conjugateGradients(
  x: Float64Array,
  residual: Float64Array,
  multiply: (direction: Float64Array) => Float64Array,
  steps: number,
  enough: number,
): void {
  const n = x.length;
  const direction = residual.slice();
  let square = innerProduct(residual, 0, residual, 0, n);
  for (let step = 0; step < steps && square > enough; step++) {
    const image = multiply(direction);
    const length = square / innerProduct(direction, 0, image, 0, n);
    for (let i = 0; i < n; i++) {
      x[i] += length * direction[i];
      residual[i] -= length * image[i];
    }
    const before = square;
    square = innerProduct(residual, 0, residual, 0, n);
    for (let i = 0; i < n; i++) direction[i] = residual[i] + (square / before) * direction[i];
  }
}
