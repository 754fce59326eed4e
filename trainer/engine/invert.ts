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
