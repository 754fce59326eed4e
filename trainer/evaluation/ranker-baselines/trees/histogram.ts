/** Sums of gradients and curvatures by feature and bin, [features, 64, 2]: all a split needs to know of its rows. */
import { binCount } from "./quantile-bins.ts";

export type Histogram = Float64Array;

/** The histogram of some rows; `bins` [rows, features]. */
export function histogramOf(
  bins: Uint8Array,
  width: number,
  rows: Uint32Array,
  gradients: Float64Array,
  curvatures: Float64Array,
): Histogram {
  const sums = new Float64Array(width * binCount * 2);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    const gradient = gradients[row];
    const curvature = curvatures[row];
    const first = row * width;
    for (let f = 0; f < width; f++) {
      const at = (f * binCount + bins[first + f]) * 2;
      sums[at] += gradient;
      sums[at + 1] += curvature;
    }
  }
  return sums;
}

/** Subtracts a child's histogram from its parent's, in place: what is left is the other child's, without reading its rows. */
export function subtract(parent: Histogram, child: Histogram): Histogram {
  for (let i = 0; i < parent.length; i++) parent[i] -= child[i];
  return parent;
}
