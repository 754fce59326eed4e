/**
 * What the towers are told of a vector that another model (an encoder) made of a post or user: its first principal components among the community's posts. A
 * basis says which these are. Towers that start there keep the encoder's similarities; a basis of other communities destroys them.
 */

/** Numbers that are kept of a vector. */
export const vectorWidth = 64;

/** Numbers that a tower is told: these, and whether there is a vector at all. */
export const vectorInputs = vectorWidth + 1;

/** By what vectors of one encoder are reduced. */
export interface VectorBasis {
  /** Says what the basis is: the beginning of its sha256. */
  id: string;
  /** The name of the model whose vectors these are, as the app says it. */
  encoder: string;
  /** Numbers of each of its vectors. */
  dimension: number;
  /** [dimension, 65]: of each number its mean among vectors of unit length, and its part in each component. */
  weights: Float32Array;
}

/** The components [64] of a vector; null: there is none of this basis's dimension, or it says nothing. */
export function reduceVector(vector: ArrayLike<number>, { dimension, weights }: VectorBasis): Float32Array | null {
  let squares = 0;
  for (let d = 0; d < vector.length; d++) squares += vector[d] ** 2;
  // NaN is not above zero
  if (vector.length !== dimension || !(squares > 0) || squares === Number.POSITIVE_INFINITY) return null;
  const length = Math.sqrt(squares);
  const components = new Float64Array(vectorWidth);
  for (let d = 0, at = 0; d < dimension; d++, at += vectorInputs) {
    const value = vector[d] / length - weights[at];
    for (let k = 0; k < vectorWidth; k++) components[k] += value * weights[at + 1 + k];
  }
  return Float32Array.from(components);
}

/** What a tower is told [65] of a post or user with these components; null: there is no vector. */
export function vectorRow(components: ArrayLike<number> | null | undefined): Float32Array {
  const row = new Float32Array(vectorInputs);
  if (!components) return row;
  row.set(components);
  row[vectorWidth] = 1;
  return row;
}
