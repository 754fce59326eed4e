/** Σ a[aStart + i] · b[bStart + i] over `width` elements, summed in double precision whatever the arrays hold. */
export function innerProduct(
  a: ArrayLike<number>,
  aStart: number,
  b: ArrayLike<number>,
  bStart: number,
  width: number,
): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += a[aStart + i] * b[bStart + i];
  return sum;
}
