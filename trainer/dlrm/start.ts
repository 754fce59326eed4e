/**
 * Where the ranker's wide part starts: a conditional logit (McFadden 1974) over each request's candidates with two
 * features, the recency baseline and the towers' similarity. In a live community the recency baseline nearly is the
 * answer; in a random split of film ratings it is noise, and similarity is the answer. Two numbers can be learned
 * from little data, and the network goes on from there.
 */
import { minimise } from "../engine/minimise.ts";
import { denseWidth, recencyBaselineAt, similarityColumn } from "./dense-features.ts";
import type { RankingExamples } from "./ranking-examples.ts";

export interface Start {
  recencyBaseline: number;
  /** Of the similarity as it is, not standardised. */
  similarity: number;
}

/** Believed before any request has spoken, as strongly as one request speaks: the recency baseline alone. */
const believed: Start = { recencyBaseline: 1, similarity: 0 };

/** Scores of all rows of some requests, [requests · rows]. */
export function startScores(examples: RankingExamples, requests: Uint32Array, start: Start): Float64Array {
  const { dense } = examples;
  return Float64Array.from(examples.rowsOf(requests), (row) => {
    const at = row * denseWidth;
    return start.recencyBaseline * recencyBaselineAt(dense, at) + start.similarity * dense[at + similarityColumn];
  });
}

/** The start with the best listwise loss on the requests that have a positive. */
export function fitStart(examples: RankingExamples, requests: Uint32Array, scoreWeights: number[]): Start {
  const found = requests.filter((request) => examples.found[request]);
  const gains = new Float32Array(found.length * examples.rows);
  for (const [i, request] of found.entries())
    examples.gains(request, scoreWeights, gains.subarray(i * examples.rows, (i + 1) * examples.rows));
  const [recencyBaseline, similarity] = minimise({
    start: Float64Array.of(believed.recencyBaseline, believed.similarity),
    derivatives: ([recencyBaseline, similarity]) =>
      listwiseLoss(examples, found, gains, { recencyBaseline, similarity }),
    tolerance: 1e-9,
    iterations: 30,
  });
  return { recencyBaseline, similarity };
}

/** The listwise loss summed over requests, with the prior, and its derivatives by the two numbers of a start. */
function listwiseLoss(examples: RankingExamples, requests: Uint32Array, gains: Float32Array, start: Start) {
  const { rows, dense, lossWeights } = examples;
  const scores = startScores(examples, requests, start);
  const off = [start.recencyBaseline - believed.recencyBaseline, start.similarity - believed.similarity];
  let value = (off[0] ** 2 + off[1] ** 2) / 2;
  const gradient = Float64Array.from(off);
  const hessian = Float64Array.of(1, 0, 0, 1);
  for (const [i, request] of requests.entries()) {
    const of = scores.subarray(i * rows, (i + 1) * rows);
    const highest = of.reduce((a, b) => Math.max(a, b));
    // sums of p, and of p times baseline b, similarity s and their products
    const sums = { p: 0, b: 0, s: 0, bb: 0, bs: 0, ss: 0 };
    for (let row = 0; row < rows; row++) {
      const at = examples.rowOf(request, row) * denseWidth;
      const [b, s] = [recencyBaselineAt(dense, at), dense[at + similarityColumn]];
      const p = lossWeights[examples.rowOf(request, row)] * Math.exp(of[row] - highest);
      sums.p += p;
      sums.b += p * b;
      sums.s += p * s;
      sums.bb += p * b * b;
      sums.bs += p * b * s;
      sums.ss += p * s * s;
    }
    const [b, s] = [sums.b / sums.p, sums.s / sums.p];
    value += Math.log(sums.p) + highest;
    gradient[0] += b;
    gradient[1] += s;
    for (let row = 0; row < rows; row++) {
      const gain = gains[i * rows + row];
      const at = examples.rowOf(request, row) * denseWidth;
      value -= gain * of[row];
      gradient[0] -= gain * recencyBaselineAt(dense, at);
      gradient[1] -= gain * dense[at + similarityColumn];
    }
    hessian[0] += sums.bb / sums.p - b * b;
    hessian[2] += sums.bs / sums.p - b * s;
    hessian[3] += sums.ss / sums.p - s * s;
  }
  return { value, gradient, hessian };
}
