/**
 * Where the ranker's wide part starts: a conditional logit (McFadden 1974) over each request's candidates with two
 * features, the recency baseline and the towers' similarity. In a live community the recency baseline nearly is the answer; among films
 * drawn at random it is noise and similarity is the answer. Two numbers take little data to tell, the network goes on.
 */
import { denseWidth, type RankingExamples } from "./examples.ts";
import { recencyBaselineAt, similarityColumn } from "./network.ts";

export interface Start {
  recencyBaseline: number;
  /** Of the similarity as it is. */
  similarity: number;
}

/** Believed before any request has spoken, as strongly as one request speaks: the recency baseline alone. */
const believed: Start = { recencyBaseline: 1, similarity: 0 };

/** Scores of all rows of some requests, [requests · rows]. */
export function startScores(examples: RankingExamples, requests: Uint32Array, start: Start): Float64Array {
  const { rows, dense } = examples;
  return Float64Array.from({ length: requests.length * rows }, (_, i) => {
    const at = (requests[Math.floor(i / rows)] * rows + (i % rows)) * denseWidth;
    return start.recencyBaseline * recencyBaselineAt(dense, at) + start.similarity * dense[at + similarityColumn];
  });
}

/** The start with the best listwise loss on the requests whose post was found, by Newton's method. */
export function fitStart(examples: RankingExamples, requests: Uint32Array): Start {
  const found = requests.filter((request) => examples.found[request]);
  let start = believed;
  let { loss, gradient, hessian } = derivatives(examples, found, start);
  for (let iteration = 0; iteration < 30; iteration++) {
    const [a, b, c] = hessian;
    const determinant = a * c - b * b;
    const move = [(c * gradient[0] - b * gradient[1]) / determinant, (a * gradient[1] - b * gradient[0]) / determinant];
    // a full step can leap past the minimum; the loss is convex, so half of it, and half of that, does not
    let next = start;
    let there = { loss: Number.POSITIVE_INFINITY, gradient, hessian };
    for (let step = 1; step > 1e-4 && !(there.loss <= loss); step /= 2) {
      next = { recencyBaseline: start.recencyBaseline - step * move[0], similarity: start.similarity - step * move[1] };
      there = derivatives(examples, found, next);
    }
    if (!(there.loss <= loss)) break;
    const still = loss - there.loss < 1e-9 * loss;
    start = next;
    ({ loss, gradient, hessian } = there);
    if (still) break;
  }
  return start;
}

/** Listwise loss summed over requests, with the prior; its gradient, and its second derivatives (formula², both, similarity²). */
function derivatives(examples: RankingExamples, requests: Uint32Array, start: Start) {
  const { rows, dense, weights } = examples;
  const scores = startScores(examples, requests, start);
  const off = [start.recencyBaseline - believed.recencyBaseline, start.similarity - believed.similarity];
  let loss = (off[0] ** 2 + off[1] ** 2) / 2;
  const gradient = off;
  const hessian = [1, 0, 1];
  for (const [i, request] of requests.entries()) {
    const of = scores.subarray(i * rows, (i + 1) * rows);
    const highest = of.reduce((a, b) => Math.max(a, b));
    const sums = { p: 0, f: 0, s: 0, ff: 0, fs: 0, ss: 0 };
    for (let row = 0; row < rows; row++) {
      const at = (request * rows + row) * denseWidth;
      const [f, s] = [recencyBaselineAt(dense, at), dense[at + similarityColumn]];
      const p = weights[request * rows + row] * Math.exp(of[row] - highest);
      sums.p += p;
      sums.f += p * f;
      sums.s += p * s;
      sums.ff += p * f * f;
      sums.fs += p * f * s;
      sums.ss += p * s * s;
    }
    const [f, s] = [sums.f / sums.p, sums.s / sums.p];
    const positive = request * rows * denseWidth;
    loss += Math.log(sums.p) + highest - of[0];
    gradient[0] += f - recencyBaselineAt(dense, positive);
    gradient[1] += s - dense[positive + similarityColumn];
    hessian[0] += sums.ff / sums.p - f * f;
    hessian[1] += sums.fs / sums.p - f * s;
    hessian[2] += sums.ss / sums.p - s * s;
  }
  return { loss, gradient, hessian };
}
