/** The dense part of a model: named weights, and the bridge to TensorFlow.js that gives a loss and its gradients. */
import * as tf from "@tensorflow/tfjs-core";
import { type AdamOptions, adamStep, Weights } from "./adam.ts";
import type { Random } from "./random.ts";

/** Values in row order with their shape. */
export interface Matrix {
  values: Float32Array;
  shape: number[];
}

type Named<T> = Record<string, T>;

/** The dense weights of a model by name. */
export class DenseWeights {
  private readonly byName = new Map<string, { shape: number[]; weights: Weights }>();

  /** Adds weights of a shape; initial values in row order, 0 when left out. */
  add(name: string, shape: number[], values: Float32Array = new Float32Array(size(shape))): void {
    this.byName.set(name, { shape, weights: new Weights(values) });
  }

  /**
   * Adds a layer `name/weight` [inputs, outputs], He-initialised times `gain`, and `name/bias` [outputs]. The input `blank` starts at 0, and all others
   * as if it were not there: where it never varies, training goes as without it.
   */
  addLayer(name: string, inputs: number, outputs: number, random: Random, gain = 1, blank?: number): void {
    const deviation = gain * Math.sqrt(2 / (blank === undefined ? inputs : inputs - 1));
    const first = (i: number) => (Math.floor(i / outputs) === blank ? 0 : deviation * random.normal());
    this.add(
      `${name}/weight`,
      [inputs, outputs],
      Float32Array.from({ length: inputs * outputs }, (_, i) => first(i)),
    );
    this.add(`${name}/bias`, [outputs]);
  }

  /** The values of some weights. */
  values(name: string): Float32Array {
    const entry = this.byName.get(name);
    if (!entry) throw new Error(`the model has no weights named ${name}`);
    return entry.weights.values;
  }

  /** All weights by name, with the optimiser's moments. */
  entries(): [name: string, entry: { shape: number[]; weights: Weights }][] {
    return [...this.byName];
  }

  /** All weights as matrices, by name. */
  matrices(): Named<Matrix> {
    return Object.fromEntries(
      [...this.byName].map(([name, { shape, weights }]) => [name, { shape, values: weights.values }]),
    );
  }

  /** One Adam step, the `step`-th (from 1); names without a gradient stay as they are. `slower`: the share of the learning rate that some names have. */
  step(gradients: Named<Float32Array>, step: number, options: AdamOptions, slower: Record<string, number> = {}): void {
    for (const [name, { weights }] of this.byName) {
      const gradient = gradients[name];
      const own = { ...options, learningRate: options.learningRate * (slower[name] ?? 1) };
      if (gradient) adamStep(weights, 0, gradient, 0, gradient.length, step, own);
    }
  }
}

export interface LossAndGradients {
  loss: number;
  gradients: Named<Float32Array>;
}

/**
 * The value of a scalar `loss` and its gradients with respect to every `variable`; `constants` get none. Inputs and
 * results are plain arrays, so no tensor outlives the call.
 */
export function lossAndGradients(
  variables: Named<Matrix>,
  constants: Named<Matrix>,
  loss: (tensors: Named<tf.Tensor>) => tf.Scalar,
): LossAndGradients {
  const names = Object.keys(variables);
  const result: LossAndGradients = { loss: 0, gradients: {} };
  // nothing is returned from tidy: it would walk through every number of a returned array
  tf.tidy(() => {
    const fixed = toTensors(constants);
    const f = (...tensors: tf.Tensor[]) =>
      loss({ ...fixed, ...Object.fromEntries(names.map((name, i) => [name, tensors[i]])) });
    const { value, grads } = tf.valueAndGrads(f)(Object.values(toTensors(variables)));
    result.loss = value.dataSync()[0];
    for (const [i, name] of names.entries()) result.gradients[name] = grads[i].dataSync() as Float32Array;
  });
  return result;
}

/** Runs a forward pass and returns the values of its result. */
export function forward(inputs: Named<Matrix>, pass: (tensors: Named<tf.Tensor>) => tf.Tensor): Float32Array {
  let values = new Float32Array();
  tf.tidy(() => {
    values = pass(toTensors(inputs)).dataSync() as Float32Array<ArrayBuffer>;
  });
  return values;
}

function toTensors(matrices: Named<Matrix>): Named<tf.Tensor> {
  return Object.fromEntries(
    Object.entries(matrices).map(([name, { values, shape }]) => [name, tf.tensor(values, shape)]),
  );
}

function size(shape: number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
