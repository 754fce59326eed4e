import { minimise } from "./minimise.ts";

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
 * With more rows than this the curvature is taken from every seventh, and costs no more than the rest; seven shares no
 * factor with the usual numbers of rows per request.
 */
const manyRows = 100_000;

/** On the bias: too little to move it, enough for the curvature to stay positive where every probability is 0 or 1. */
const biasRidge = 1e-9;

/**
 * Minimises the log loss of a logistic regression plus ridge · |weights|² / 2. Returns the weights followed by the bias,
 * [width + 1].
 */
export function fitLogisticRegression(rows: LogisticRows, ridge: number): Float64Array {
  const start = new Float64Array(rows.width + 1);
  start[rows.width] = logOdds(rows);
  return minimise({ start, derivatives: logLoss(rows, ridge), tolerance: 1e-10, iterations: 30 });
}

/** The log loss and its derivatives as a function of weights and bias. */
function logLoss({ count, width, read, labels, weights }: LogisticRows, ridge: number) {
  const size = width + 1;
  const every = count > manyRows ? 7 : 1;
  const x = new Float64Array(size).fill(1, width);
  // the features of a row that are not 0
  const present = new Uint32Array(size);
  const values = new Float64Array(size);
  return (w: Float64Array) => {
    const gradient = new Float64Array(size);
    const hessian = new Float64Array(size * size);
    let value = 0;
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
      value += often * (Math.max(logit, 0) - labels[number] * logit + Math.log1p(Math.exp(-Math.abs(logit))));
      const error = often * (p - labels[number]);
      for (let a = 0; a < found; a++) gradient[present[a]] += error * values[a];
      if (number % every !== 0) continue;
      const curvature = every * often * p * (1 - p);
      for (let a = 0; a < found; a++) {
        const row = present[a] * size;
        const scaled = curvature * values[a];
        for (let b = 0; b <= a; b++) hessian[row + present[b]] += scaled * values[b];
      }
    }
    for (let f = 0; f < size; f++) {
      const strength = f < width ? ridge : biasRidge;
      value += (strength * w[f] ** 2) / 2;
      gradient[f] += strength * w[f];
      hessian[f * size + f] += strength;
    }
    return { value, gradient, hessian };
  };
}

/** The log odds of a positive, one more positive and one more negative counted in. */
function logOdds({ count, labels, weights }: LogisticRows): number {
  let positives = 1;
  let negatives = 1;
  for (let row = 0; row < count; row++) {
    const often = weights ? weights[row] : 1;
    positives += often * labels[row];
    negatives += often * (1 - labels[row]);
  }
  return Math.log(positives / negatives);
}
