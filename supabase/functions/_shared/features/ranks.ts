/** The rank of each value from 1, the highest first; equal values share the best of their ranks, so that no order of rows shows. */
export function ranksOf(values: Float64Array): Int32Array {
  const sorted = values.slice().sort();
  const ranks = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] <= values[i]) low = middle + 1;
      else high = middle;
    }
    ranks[i] = 1 + sorted.length - low;
  }
  return ranks;
}
