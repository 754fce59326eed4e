import { invert } from "./invert.ts";

/** A logistic model over raw features: p = 1 / (1 + exp(−(bias + weights · x))). */
export interface LogisticModel {
  weights: Float64Array;
  bias: number;
}

/**
 * Fits a logistic regression by Newton's method on standardised features with a ridge (on the weights only).
 * `rows` is [N, features] row by row, `labels` [N] of 0 and 1.
 */
export function fitLogistic(rows: Float64Array, labels: ArrayLike<number>, features: number, ridge = 1): LogisticModel {
  const n = labels.length;
  const { means, deviations } = moments(rows, features);
  // the bias is the last, constant feature
  const size = features + 1;
  const weights = new Float64Array(size);
  const x = new Float64Array(size);
  x[features] = 1;
  for (let iteration = 0; iteration < 30; iteration++) {
    const gradient = new Float64Array(size);
    const hessian = new Float64Array(size * size);
    for (let row = 0; row < n; row++) {
      let logit = weights[features];
      for (let f = 0; f < features; f++) {
        x[f] = (rows[row * features + f] - means[f]) / deviations[f];
        logit += weights[f] * x[f];
      }
      const p = 1 / (1 + Math.exp(-logit));
      for (let i = 0; i < size; i++) {
        gradient[i] += (labels[row] - p) * x[i];
        for (let j = 0; j <= i; j++) hessian[i * size + j] += p * (1 - p) * x[i] * x[j];
      }
    }
    for (let f = 0; f < size; f++) {
      const strength = f < features ? ridge : 1e-9;
      gradient[f] -= strength * weights[f];
      hessian[f * size + f] += strength;
    }
    const inverse = invert(hessian, size);
    let largest = 0;
    for (let i = 0; i < size; i++) {
      let step = 0;
      for (let j = 0; j < size; j++) step += inverse[i * size + j] * gradient[j];
      weights[i] += step;
      largest = Math.max(largest, Math.abs(step));
    }
    if (largest < 1e-6) break;
  }
  const raw = Float64Array.from({ length: features }, (_, f) => weights[f] / deviations[f]);
  const bias = raw.reduce((sum, weight, f) => sum - weight * means[f], weights[features]);
  return { weights: raw, bias };
}

function moments(rows: Float64Array, features: number): { means: Float64Array; deviations: Float64Array } {
  const n = rows.length / features;
  const means = new Float64Array(features);
  const deviations = new Float64Array(features);
  for (let i = 0; i < rows.length; i++) means[i % features] += rows[i] / n;
  for (let i = 0; i < rows.length; i++) deviations[i % features] += (rows[i] - means[i % features]) ** 2 / n;
  // a feature that never changes says nothing: its weight stays 0 (its variance is that only up to rounding)
  const changes = (variance: number, f: number) => variance > 1e-12 * (1 + means[f] ** 2);
  return { means, deviations: deviations.map((variance, f) => (changes(variance, f) ? Math.sqrt(variance) : 1)) };
}
