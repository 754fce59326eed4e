/**
 * Σ a[aStart + i] · b[bStart + i] over `width` elements, in double precision. It uses four accumulators, because a
 * single one would make each addition wait for the one before.
 */
export function innerProduct(
  a: ArrayLike<number>,
  aStart: number,
  b: ArrayLike<number>,
  bStart: number,
  width: number,
): number {
  // four variables: elements of an array made it three times as slow
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let i = 0;
  for (; i + 3 < width; i += 4) {
    first += a[aStart + i] * b[bStart + i];
    second += a[aStart + i + 1] * b[bStart + i + 1];
    third += a[aStart + i + 2] * b[bStart + i + 2];
    fourth += a[aStart + i + 3] * b[bStart + i + 3];
  }
  for (; i < width; i++) first += a[aStart + i] * b[bStart + i];
  return first + second + (third + fourth);
}
