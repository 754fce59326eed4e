/**
 * Reduces an encoder's vector of a post or user to its first principal components, as an input of the towers. The basis
 * must be that of the community's own posts: another one destroys the encoder's similarities.
 */

/** Number of components. */
export const vectorWidth = 64;

/** Width of the tower's input: the components, and whether there is a vector. */
export const vectorInputs = vectorWidth + 1;

/** The projection for vectors of one encoder. */
export interface VectorBasis {
  /** Identifies the basis: the first digits of its SHA-256. */
  id: string;
  /** Name of the encoder, as the app states it. */
  encoder: string;
  /** Width of the encoder's vectors. */
  dimension: number;
  /** [dimension, 65]: for each element its mean among unit-length vectors, and its weight in each component. */
  weights: Float32Array;
}

/** The components [64] of a vector; null if its width is not the basis's, or its length is zero or not finite. */
export function reduceVector(vector: ArrayLike<number>, { dimension, weights }: VectorBasis): Float32Array | null {
  let squares = 0;
  for (let d = 0; d < vector.length; d++) squares += vector[d] ** 2;
  // also false for NaN
  if (vector.length !== dimension || !(squares > 0) || squares === Number.POSITIVE_INFINITY) return null;
  const length = Math.sqrt(squares);
  const components = new Float64Array(vectorWidth);
  for (let d = 0, at = 0; d < dimension; d++, at += vectorInputs) {
    const value = vector[d] / length - weights[at];
    for (let k = 0; k < vectorWidth; k++) components[k] += value * weights[at + 1 + k];
  }
  return Float32Array.from(components);
}

/** The tower's input [65] for these components; zeros without a vector. */
export function vectorRow(components: ArrayLike<number> | null | undefined): Float32Array {
  const row = new Float32Array(vectorInputs);
  if (!components) return row;
  row.set(components);
  row[vectorWidth] = 1;
  return row;
}
