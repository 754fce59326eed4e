/** Vectors of unit length, one after the other in one array: a million of 32 numbers are 128 MB, as arrays of their own three times that. */
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../supabase/functions/_shared/features/inner-product.ts";
import { vectorAt } from "../engine/vector-at.ts";

/** Cosine of row `i` of one array [N, 32] with row `j` of another [M, 32]. */
export function cosine(a: Float32Array, i: number, b: Float32Array, j: number): number {
  return innerProduct(a, i * dimensions, b, j * dimensions, dimensions);
}

/** How many rows an array has. */
export function rowsOf(vectors: Float32Array): number {
  return vectors.length / dimensions;
}

/** Makes row `i` unit length; false, and leaves it, where it has no direction. */
export function normalise(vectors: Float32Array, i: number): boolean {
  const length = Math.sqrt(cosine(vectors, i, vectors, i));
  // sums of opposite vectors leave only what rounding left
  if (!(length > 1e-6 && length < Number.POSITIVE_INFINITY)) return false;
  const values = vectorAt(vectors, i);
  for (let d = 0; d < dimensions; d++) values[d] /= length;
  return true;
}

/** The rows of an array that are listed, as an array of their own. */
export function rowsAt(vectors: Float32Array, places: ArrayLike<number>): Float32Array {
  const found = new Float32Array(places.length * dimensions);
  for (let i = 0; i < places.length; i++) found.set(vectorAt(vectors, places[i]), i * dimensions);
  return found;
}
