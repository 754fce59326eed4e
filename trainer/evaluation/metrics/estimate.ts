/** A mean and its standard error (√(variance / n), the variance over n − 1); NaN where there is nothing to average. */
export interface Estimate {
  mean: number;
  error: number;
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
