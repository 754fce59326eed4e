import { invert } from "./invert.ts";

export interface LogisticRows {
  count: number;
  width: number;
  /** Writes a row into `x` [width]; features of 0 cost nothing. */
  read: (row: number, x: Float64Array) => void;
  /** [count] of 0 and 1. */
  labels: ArrayLike<number>;
  /** How often each row counts, [count]; default: once. */
  weights?: ArrayLike<number>;
}

/**
 * Of more rows than this the curvature is taken from every seventh, and costs no more than the rest; seven shares no factor
 * with the usual numbers of rows a request.
 */
const manyRows = 100_000;

/**
 * Minimises the log loss of a logistic regression and ridge · |weights|² / 2 by Newton's method. Returns the weights and,
 * behind them, the bias, which has no ridge: [width + 1].
 */
export function newton({ count, width, read, labels, weights }: LogisticRows, ridge: number): Float64Array {
  const size = width + 1;
  const every = count > manyRows ? 7 : 1;
  const x = new Float64Array(size).fill(1, width);
  // the features of a row that are not 0
  const present = new Uint32Array(size);
  const values = new Float64Array(size);
  const at = (w: Float64Array) => {
    const gradient = new Float64Array(size);
    // the lower triangle alone: `invert` reads no other
    const hessian = new Float64Array(size * size);
    let loss = 0;
    for (let number = 0; number < count; number++) {
      const often = weights ? weights[number] : 1;
      read(number, x);
      let logit = 0;
      let found = 0;
      for (let f = 0; f < size; f++) {
        if (x[f] === 0) continue;
        present[found] = f;
        values[found++] = x[f];
        logit += w[f] * x[f];
      }
      const p = 1 / (1 + Math.exp(-logit));
      loss += often * (Math.max(logit, 0) - labels[number] * logit + Math.log1p(Math.exp(-Math.abs(logit))));
      const error = often * (labels[number] - p);
      for (let a = 0; a < found; a++) gradient[present[a]] += error * values[a];
      if (number % every !== 0) continue;
      const curvature = every * often * p * (1 - p);
      for (let a = 0; a < found; a++) {
        const row = present[a] * size;
        const value = curvature * values[a];
        for (let b = 0; b <= a; b++) hessian[row + present[b]] += value * values[b];
      }
    }
    for (let f = 0; f < size; f++) {
      const strength = f < width ? ridge : 1e-9;
      loss += (strength * w[f] ** 2) / 2;
      gradient[f] -= strength * w[f];
      hessian[f * size + f] += strength;
    }
    return { loss, gradient, hessian };
  };
  let w = new Float64Array(size);
  w[width] = logOdds(count, labels, weights);
  let here = at(w);
  for (let iteration = 0; iteration < 30; iteration++) {
    const inverse = invert(here.hessian, size);
    let step = w.map((_, i) => here.gradient.reduce((sum, slope, j) => sum + inverse[i * size + j] * slope, 0));
    let next = w.map((value, i) => value + step[i]);
    let there = at(next);
    // where positives are rare a full step can leap past the minimum
    for (let halving = 0; there.loss > here.loss && halving < 10; halving++) {
      step = step.map((value) => value / 2);
      next = w.map((value, i) => value + step[i]);
      there = at(next);
    }
    if (there.loss > here.loss) break;
    const gained = here.loss - there.loss;
    w = next;
    here = there;
    if (gained < 1e-10 * here.loss || step.every((value) => Math.abs(value) < 1e-6)) break;
  }
  return w;
}

/** The log odds of a positive, one positive and one negative more counted in. */
function logOdds(count: number, labels: ArrayLike<number>, weights: ArrayLike<number> | undefined): number {
  let positives = 1;
  let negatives = 1;
  for (let row = 0; row < count; row++) {
    const often = weights ? weights[row] : 1;
    positives += often * labels[row];
    negatives += often * (1 - labels[row]);
  }
  return Math.log(positives / negatives);
}
