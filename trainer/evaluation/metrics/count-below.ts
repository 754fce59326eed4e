/** How many values of an ascending list are below `value`; with `orEqual` also those equal to it. Binary search. */
export function countBelow(ascending: ArrayLike<number>, value: number, orEqual = false): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (orEqual ? ascending[middle] <= value : ascending[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
