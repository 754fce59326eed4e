/**
 * The conditional logit (McFadden 1974): of the rows of a request those were chosen whose score, offset + weights · x, is high compared with that of
 * the others. A request counts as often as the gains of its rows sum to.
 */
import { minimise } from "../nn/minimise.ts";

export interface Choices {
  requests: number;
  rows: number;
  width: number;
  /** Writes a row of a request into `x` [width]. */
  read: (request: number, row: number, x: Float64Array) => void;
  /** [requests · rows] −Infinity: there is no such row. */
  offsets: Float64Array;
  /** [requests · rows] How much of what was chosen is each row's. */
  gains: Float32Array;
  /** The curvature is taken from about so many requests: it is what costs, and says only how far to go. */
  curvatureRequests?: number;
  /** And from rows with at least this share of their request: the others bend nothing, and are most of them. */
  leastCurved?: number;
}

/** What is believed before any request has spoken, and as how many requests it speaks. */
interface Prior {
  weights: Float64Array;
  strength: number;
}

/** The weights with the least loss, beginning with those of the prior. */
export function fitConditionalLogit(
  choices: Choices,
  { weights: believed, strength }: Prior,
  { tolerance, iterations }: { tolerance: number; iterations: number },
): Float64Array {
  const derivatives = (weights: Float64Array) => {
    const found = choiceLoss(choices, weights);
    for (const [f, weight] of weights.entries()) {
      const off = weight - believed[f];
      found.value += (strength * off ** 2) / 2;
      found.gradient[f] += strength * off;
      found.hessian[f * weights.length + f] += strength;
    }
    return found;
  };
  return minimise({ start: believed, derivatives, tolerance, iterations });
}

/** The listwise loss of each request; its sum, and the derivatives of that by the weights. */
export function choiceLoss(choices: Choices, weights: Float64Array) {
  const { requests, rows, width: n, read, offsets, gains } = choices;
  const { curvatureRequests = Number.POSITIVE_INFINITY, leastCurved = 0 } = choices;
  const losses = new Float64Array(requests);
  const every = Math.max(1, Math.ceil(requests / curvatureRequests));
  const found = { losses, value: 0, gradient: new Float64Array(n), hessian: new Float64Array(n * n) };
  const x = Array.from({ length: rows }, () => new Float64Array(n));
  const shares = new Float64Array(rows);
  const mean = new Float64Array(n);
  for (let i = 0; i < requests; i++) {
    for (let j = 0; j < rows; j++) {
      shares[j] = offsets[i * rows + j];
      if (shares[j] === Number.NEGATIVE_INFINITY) continue;
      read(i, j, x[j]);
      let sum = 0;
      for (let f = 0; f < n; f++) sum += weights[f] * x[j][f];
      shares[j] += sum;
    }
    const highest = shares.reduce((a, b) => Math.max(a, b));
    let [total, earned] = [0, 0];
    for (let j = 0; j < rows; j++) {
      const gain = gains[i * rows + j];
      if (gain > 0) losses[i] -= gain * shares[j];
      earned += gain;
      total += shares[j] = Math.exp(shares[j] - highest);
    }
    losses[i] += earned * (Math.log(total) + highest);
    found.value += losses[i];
    mean.fill(0);
    for (let j = 0; j < rows; j++) {
      shares[j] /= total;
      const off = earned * shares[j] - gains[i * rows + j];
      if (off === 0) continue;
      for (let f = 0; f < n; f++) {
        found.gradient[f] += off * x[j][f];
        mean[f] += shares[j] * x[j][f];
      }
    }
    if (i % every !== 0) continue;
    for (let j = 0; j < rows; j++) {
      if (shares[j] < leastCurved || shares[j] === 0) continue;
      for (let f = 0; f < n; f++) x[j][f] -= mean[f];
      for (let a = 0; a < n; a++) {
        const scaled = every * earned * shares[j] * x[j][a];
        for (let b = 0; b <= a; b++) found.hessian[a * n + b] += scaled * x[j][b];
      }
    }
  }
  return found;
}
