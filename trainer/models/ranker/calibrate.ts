/** Platt scaling (Platt 1999) on requests the training did not see: probability = sigmoid(scale · logit + shift). */
import { minimise } from "../nn/minimise.ts";

interface Calibration {
  scale: number;
  shift: number;
}

/** Fewer positives than this say too little to change a head's scale. */
const enough = 20;

/** Logits and labels; each counts as often as its weight says. */
type Column = ArrayLike<number>;

/** The share of positives, one more positive and one more negative counted in: what never happened stays possible. */
export function smoothedShare(positives: number, total: number): number {
  return (positives + 1) / (total + 2);
}

/** What must be added to logits for the mean of their probabilities to be the labels' `smoothedShare`. */
export function shiftToBaseRate(logits: Column, labels: Column, weights: Column): number {
  const { positives, total } = counts(labels, weights);
  return shiftToMean(logits, weights, smoothedShare(positives, total));
}

/**
 * The scale and shift that minimise the log loss of logits and labels. Without enough positives the scale stays 1 and the
 * shift is `shiftToBaseRate`.
 */
export function calibrate(logits: Column, labels: Column, weights: Column): Calibration {
  const { positives, total } = counts(labels, weights);
  if (positives < enough) return { scale: 1, shift: shiftToBaseRate(logits, labels, weights) };
  const shiftAlone = shiftToMean(logits, weights, positives / total);
  const [scale, shift] = minimise({
    start: Float64Array.of(1, shiftAlone),
    derivatives: logLoss(logits, labels, weights),
    tolerance: 1e-12,
    iterations: 50,
  });
  // a head that ranks the held-out requests backwards is noise: keep its order, fix its mean
  return scale > 0.05 ? { scale, shift } : { scale: 1, shift: shiftAlone };
}

/** Pulls the scale towards 1 as one row would: logits that separate the labels must not ask for an infinite scale. */
const prior = 1;

/** The log loss and its derivatives as a function of scale and shift. */
function logLoss(logits: Column, labels: Column, weights: Column) {
  return ([scale, shift]: Float64Array) => {
    let value = (prior * (scale - 1) ** 2) / 2;
    const gradient = Float64Array.of(prior * (scale - 1), 0);
    // where every probability is 0 or 1 the shift has no curvature of its own
    const hessian = Float64Array.of(prior, 0, 0, 1e-9);
    for (let i = 0; i < logits.length; i++) {
      const logit = scale * logits[i] + shift;
      value += weights[i] * (Math.max(logit, 0) - labels[i] * logit + Math.log1p(Math.exp(-Math.abs(logit))));
      const p = sigmoid(logit);
      const error = weights[i] * (p - labels[i]);
      const curvature = weights[i] * p * (1 - p);
      gradient[0] += error * logits[i];
      gradient[1] += error;
      hessian[0] += curvature * logits[i] * logits[i];
      hessian[2] += curvature * logits[i];
      hessian[3] += curvature;
    }
    return { value, gradient, hessian };
  };
}

/** What must be added to logits for the weighted mean of their probabilities to be `mean`. */
export function shiftToMean(logits: Column, weights: Column, mean: number): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i];
  let low = -40;
  let high = 40;
  for (let iteration = 0; iteration < 60; iteration++) {
    const middle = (low + high) / 2;
    let sum = 0;
    for (let i = 0; i < logits.length; i++) sum += weights[i] * sigmoid(logits[i] + middle);
    if (sum / total < mean) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function counts(labels: Column, weights: Column): { positives: number; total: number } {
  let positives = 0;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    positives += weights[i] * labels[i];
    total += weights[i];
  }
  return { positives, total };
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
