/** Metrics of all lists together: how much of the catalogue is shown, how unequally, and how alike one list's posts are. */

/** Share of `catalogue` posts that are in at least one list. */
export function coverage(lists: Iterable<ArrayLike<number>>, catalogue: number): number {
  const shown = new Set<number>();
  for (const list of lists) for (let i = 0; i < list.length; i++) shown.add(list[i]);
  return shown.size / catalogue;
}

/** Gini coefficient of how often posts are shown: 0 all equally, near 1 a few posts take all. */
export function gini(exposures: ArrayLike<number>): number {
  const sorted = Float64Array.from(exposures).sort();
  const n = sorted.length;
  let sum = 0;
  let weighted = 0;
  for (const [i, exposure] of sorted.entries()) {
    sum += exposure;
    weighted += (2 * (i + 1) - n - 1) * exposure;
  }
  return weighted / (n * sum);
}

/** Mean similarity over the pairs of a list; NaN for lists shorter than two. */
export function intraListSimilarity(list: ArrayLike<number>, similarity: (a: number, b: number) => number): number {
  let sum = 0;
  for (let i = 0; i < list.length; i++) for (let j = 0; j < i; j++) sum += similarity(list[i], list[j]);
  return sum / ((list.length * (list.length - 1)) / 2);
}
