import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";

/** The vector [32] of one row of [n, 32], not copied. */
export function vectorAt(vectors: Float32Array, row: number): Float32Array {
  return vectors.subarray(row * dimensions, (row + 1) * dimensions);
}
