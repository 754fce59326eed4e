/** A mean and its standard error (√(variance / n), the variance over n − 1); NaN where there is nothing to average. */
export interface Estimate {
  mean: number;
  error: number;
}

/** NaN where there is nothing to average. */
export function meanOf(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Mean and standard error of independent values. */
export function estimate(values: ArrayLike<number>): Estimate {
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i];
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i] - mean) ** 2;
  return { mean, error: Math.sqrt(squares / (n - 1) / n) };
}

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
