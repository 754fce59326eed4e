import { fitLogisticRegression } from "../../engine/logistic-regression.ts";

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
  const { means, deviations } = moments(rows, features);
  const read = (row: number, x: Float64Array) => {
    for (let f = 0; f < features; f++) x[f] = (rows[row * features + f] - means[f]) / deviations[f];
  };
  const weights = fitLogisticRegression({ count: labels.length, width: features, read, labels }, ridge);
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
