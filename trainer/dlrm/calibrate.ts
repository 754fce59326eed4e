/** Platt scaling (Platt 1999) on requests the training did not see: probability = sigmoid(scale · logit + shift). */

export interface Calibration {
  scale: number;
  shift: number;
}

/** Fewer positives than this say too little to move a head. */
const enough = 20;

/**
 * The scale and shift that minimise the log loss of some logits and labels, each counted `weights[i]` times, by Newton's
 * method. Without enough positives only the shift moves, to the mean that one more positive and one more row would give.
 */
export function calibrate(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  weights: ArrayLike<number>,
): Calibration {
  let positives = 0;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    positives += weights[i] * labels[i];
    total += weights[i];
  }
  if (positives < enough) return { scale: 1, shift: shiftToMean(logits, weights, (positives + 1) / (total + 2)) };
  let scale = 1;
  let shift = shiftToMean(logits, weights, positives / total);
  for (let iteration = 0; iteration < 50; iteration++) {
    const g = [0, 0];
    const h = [1e-9, 0, 1e-9];
    for (let i = 0; i < logits.length; i++) {
      const p = sigmoid(scale * logits[i] + shift);
      const error = weights[i] * (p - labels[i]);
      const weight = weights[i] * p * (1 - p);
      g[0] += error * logits[i];
      g[1] += error;
      h[0] += weight * logits[i] * logits[i];
      h[1] += weight * logits[i];
      h[2] += weight;
    }
    const determinant = h[0] * h[2] - h[1] * h[1];
    if (!(determinant > 0)) break;
    const moves = [(h[2] * g[0] - h[1] * g[1]) / determinant, (h[0] * g[1] - h[1] * g[0]) / determinant];
    scale -= moves[0];
    shift -= moves[1];
    if (Math.abs(moves[0]) + Math.abs(moves[1]) < 1e-9) break;
  }
  // a head that ranks backwards on the held-out slice is noise: keep its order, fix its mean
  return scale > 0.05 ? { scale, shift } : { scale: 1, shift: shiftToMean(logits, weights, positives / total) };
}

/** What must be added to logits for their probabilities to have a mean; each is counted `weights[i]` times. */
export function shiftToMean(logits: ArrayLike<number>, weights: ArrayLike<number>, mean: number): number {
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

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
