/** The rank of each value from 1, the highest first; equal values share the best of their ranks, so that no order of rows shows. */
export function ranksOf(values: Float64Array): Int32Array {
  const sorted = values.slice().sort();
  return Int32Array.from(values, (value) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] <= value) low = middle + 1;
      else high = middle;
    }
    return 1 + sorted.length - low;
  });
}
