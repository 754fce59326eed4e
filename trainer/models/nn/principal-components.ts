/**
 * Principal components of many rows by orthogonal iteration (Golub & Van Loan, Matrix Computations, section 8.2.4): products with the rows alone, which
 * a backend does fast, so that no matrix of dimension × dimension is needed.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Random } from "./random.ts";

/**
 * By then the share of variance in the components no longer grows: 0.5 % of it after 5, nothing to three digits
 * after 20.
 */
const iterations = 20;

export interface PrincipalComponents {
  /** [dimension] */
  mean: Float32Array;
  /** [dimension, count], orthonormal columns, the widest first; columns of zeros where there are no more. */
  components: Float32Array;
}

/** The first components of rows [rows, dimension]. Deterministic. */
export function principalComponents(values: Float32Array, dimension: number, count: number): PrincipalComponents {
  const rows = values.length / dimension;
  const sums = new Float64Array(dimension);
  for (let i = 0; i < values.length; i++) sums[i % dimension] += values[i];
  const mean = Float32Array.from(sums, (sum) => sum / rows);
  const centred = values.map((value, i) => value - mean[i % dimension]);
  const found = Math.min(count, dimension, rows - 1);
  const random = new Random(1);
  const x = tf.tensor2d(centred, [rows, dimension]);
  let basis = orthonormal(
    Float32Array.from({ length: dimension * found }, () => random.normal()),
    dimension,
    found,
  );
  for (let i = 0; i < iterations; i++) {
    const product = tf.tidy(
      () => tf.matMul(x, tf.matMul(x, tf.tensor2d(basis, [dimension, found])), true).dataSync() as Float32Array,
    );
    basis = orthonormal(product, dimension, found);
  }
  x.dispose();
  const components = new Float32Array(dimension * count);
  for (let row = 0; row < dimension; row++) components.set(basis.subarray(row * found, (row + 1) * found), row * count);
  return { mean, components };
}

/** Gram and Schmidt's, twice, over the columns of [rows, columns]; a column that depends on those before it becomes zeros. */
function orthonormal(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = Float64Array.from(values);
  const dot = (a: number, b: number) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += out[row * columns + a] * out[row * columns + b];
    return sum;
  };
  for (let column = 0; column < columns; column++) {
    const before = Math.sqrt(dot(column, column));
    for (let pass = 0; pass < 2; pass++)
      for (let earlier = 0; earlier < column; earlier++) {
        const share = dot(column, earlier);
        for (let row = 0; row < rows; row++) out[row * columns + column] -= share * out[row * columns + earlier];
      }
    const length = Math.sqrt(dot(column, column));
    const factor = length > 1e-6 * before ? 1 / length : 0;
    for (let row = 0; row < rows; row++) out[row * columns + column] *= factor;
  }
  return Float32Array.from(out);
}
