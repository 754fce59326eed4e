/**
 * Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019), in plain arrays: the same arithmetic
 * whatever backend computed the gradients, and rows of a table that a batch does not use cost nothing.
 */
export interface AdamOptions {
  learningRate: number;
  weightDecay?: number;
}

/** Values with the running moments Adam keeps of their gradients. */
export class Weights {
  readonly values: Float32Array;
  readonly mean: Float32Array;
  readonly square: Float32Array;

  constructor(values: Float32Array) {
    this.values = values;
    this.mean = new Float32Array(values.length);
    this.square = new Float32Array(values.length);
  }
}

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/** One Adam step, the `step`-th (from 1), of `count` values from `offset` on, with gradients from `gradientOffset` on. */
export function adamStep(
  weights: Weights,
  offset: number,
  gradient: Float32Array,
  gradientOffset: number,
  count: number,
  step: number,
  { learningRate, weightDecay = 0 }: AdamOptions,
): void {
  const { values, mean, square } = weights;
  const rate = (learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
  const keep = 1 - learningRate * weightDecay;
  for (let i = 0; i < count; i++) {
    const g = gradient[gradientOffset + i];
    const at = offset + i;
    mean[at] = beta1 * mean[at] + (1 - beta1) * g;
    square[at] = beta2 * square[at] + (1 - beta2) * g * g;
    values[at] = keep * values[at] - (rate * mean[at]) / (Math.sqrt(square[at]) + epsilon);
  }
}
