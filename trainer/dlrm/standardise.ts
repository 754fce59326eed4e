/** The standardisation of dense features as the network does it, for what is fitted outside of it. */
import { denseWidth } from "./dense-features.ts";
import type { RankingExamples } from "./ranking-examples.ts";

export interface Standardisation {
  /** [denseWidth] */
  mean: Float32Array;
  deviation: Float32Array;
}

/** A value of dense feature `f`, within ± 5. */
export function standardised(value: number, f: number, { mean, deviation }: Standardisation): number {
  return Math.min(5, Math.max(-5, (value - mean[f]) / deviation[f]));
}

/** Mean and deviation of each dense feature over the rows the requests have; a constant feature gets deviation 1. */
export function standardisationOf(examples: RankingExamples, requests: Uint32Array): Standardisation {
  const sums = new Float64Array(denseWidth);
  const squares = new Float64Array(denseWidth);
  const rows = examples.rowsOf(requests).filter((row) => examples.weights[row] > 0);
  for (const row of rows) {
    for (let f = 0; f < denseWidth; f++) {
      const value = examples.dense[row * denseWidth + f];
      sums[f] += value;
      squares[f] += value * value;
    }
  }
  const mean = Float32Array.from(sums, (sum) => sum / rows.length);
  const deviation = Float32Array.from(squares, (square, f) => {
    const variance = square / rows.length - mean[f] ** 2;
    return variance > 1e-8 ? Math.sqrt(variance) : 1;
  });
  return { mean, deviation };
}
