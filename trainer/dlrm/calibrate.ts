/** Platt scaling (Platt 1999) on requests the training did not see: probability = sigmoid(scale · logit + shift). */

export interface Calibration {
  scale: number;
  shift: number;
}

/** Fewer positives than this say too little to move a head. */
const enough = 20;

/** What must be added to logits for their probabilities to sum to the labels, one more positive and one more row counted in. */
export function shiftToBaseRate(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  weights: ArrayLike<number>,
): number {
  let positives = 0;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    positives += weights[i] * labels[i];
    total += weights[i];
  }
  return shiftToMean(logits, weights, (positives + 1) / (total + 2));
}

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
  const mean = positives / total;
  let at = { scale: 1, shift: shiftToMean(logits, weights, mean) };
  let loss = lossAt(at, logits, labels, weights);
  for (let iteration = 0; iteration < 50; iteration++) {
    const move = newtonMove(at, logits, labels, weights);
    let step = 1;
    let next = at;
    let nextLoss = loss;
    // a full step can leap past the minimum and never come back; half of it, and half of that, does not
    for (; step > 1e-4; step /= 2) {
      next = { scale: at.scale - step * move.scale, shift: at.shift - step * move.shift };
      nextLoss = lossAt(next, logits, labels, weights);
      if (nextLoss <= loss) break;
    }
    if (!(nextLoss <= loss)) break;
    const still = loss - nextLoss < 1e-12 * loss;
    at = next;
    loss = nextLoss;
    if (still) break;
  }
  // a head that ranks backwards on the held-out slice is noise: keep its order, fix its mean
  return at.scale > 0.05 ? at : { scale: 1, shift: shiftToMean(logits, weights, mean) };
}

/** The prior on the scale weighs as much as this many rows: it keeps labels that logits separate from asking for infinity. */
const prior = 1;

function lossAt(
  { scale, shift }: Calibration,
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  weights: ArrayLike<number>,
): number {
  let loss = (prior * (scale - 1) ** 2) / 2;
  for (let i = 0; i < logits.length; i++) {
    const logit = scale * logits[i] + shift;
    loss += weights[i] * (Math.max(logit, 0) - labels[i] * logit + Math.log1p(Math.exp(-Math.abs(logit))));
  }
  return loss;
}

/** What Newton's method takes off scale and shift. */
function newtonMove(
  { scale, shift }: Calibration,
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  weights: ArrayLike<number>,
): Calibration {
  const g = [prior * (scale - 1), 0];
  const h = [prior, 0, 1e-9];
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
  return { scale: (h[2] * g[0] - h[1] * g[1]) / determinant, shift: (h[0] * g[1] - h[1] * g[0]) / determinant };
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
