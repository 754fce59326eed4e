/** Features as bins: with 64 values per feature to choose from, a leaf finds its split in one pass over its rows. */
import { countBelow } from "../../metrics/statistics.ts";

/** A bin fits into a byte, and a leaf's histogram of 60 features (61 kB) into a core's second-level cache. */
export const binCount = 64;

/** Writes the features of a row into `out`. */
type ReadRow = (row: number, out: Float32Array) => void;

/**
 * Where a feature is cut, in ascending order, at most `binCount − 1` times: a value goes into the bin numbered by how many
 * cuts are below it. Few distinct values get a bin each; many get bins of about as many rows.
 */
export function cutsOf(values: Float32Array): Float32Array {
  const sorted = values.slice().sort();
  const distinct = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
  if (distinct.length <= binCount) {
    return Float32Array.from({ length: distinct.length - 1 }, (_, i) => (distinct[i] + distinct[i + 1]) / 2);
  }
  const quantiles = Float32Array.from(
    { length: binCount - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / binCount)],
  );
  return quantiles.filter((value, i) => i === 0 || value !== quantiles[i - 1]);
}

/** The cuts of each of `width` features, from at most 50,000 of the rows, evenly spread. */
export function cutsOfRows(rows: Uint32Array, width: number, read: ReadRow): Float32Array[] {
  const count = Math.min(rows.length, 50_000);
  const columns = Array.from({ length: width }, () => new Float32Array(count));
  const out = new Float32Array(width);
  for (let i = 0; i < count; i++) {
    read(rows[Math.floor((i * rows.length) / count)], out);
    for (let f = 0; f < width; f++) columns[f][i] = out[f];
  }
  return columns.map(cutsOf);
}

/** The bins of rows, [rows, features]. */
export function binRows(rows: Uint32Array, cuts: Float32Array[], read: ReadRow): Uint8Array {
  const width = cuts.length;
  const bins = new Uint8Array(rows.length * width);
  const out = new Float32Array(width);
  for (const [i, row] of rows.entries()) {
    read(row, out);
    for (let f = 0; f < width; f++) bins[i * width + f] = countBelow(cuts[f], out[f]);
  }
  return bins;
}
