/** The standardisation of dense features as the network does it, for what is fitted outside of it. */
export interface Standardisation {
  /** [denseWidth] */
  mean: Float32Array;
  deviation: Float32Array;
}

/** A value of dense feature `f`, within ± 5. */
export function standardised(value: number, f: number, { mean, deviation }: Standardisation): number {
  return Math.min(5, Math.max(-5, (value - mean[f]) / deviation[f]));
}
