import type { ValueSpecification } from "../../supabase/functions/_shared/models/contracts.ts";
import { Operators } from "./operators.ts";
import { write } from "./shapes.ts";

/** Names of the values [d] that `standardise` takes. */
export interface Standardisation {
  mean: string;
  deviation: string;
}

/**
 * Writes a model's forward pass as an ONNX graph, so that it reads like its equations:
 *
 *     const g = new GraphBuilder("ranker");
 *     const posts = g.input("posts", "float32", ["N", 32]);
 *     const hidden = g.relu(g.dense(posts, weights, bias));
 *     g.output("probabilities", g.sigmoid(g.dense(hidden, headWeights, headBias)), ["N", 3]);
 *     const bytes = g.build();
 *
 * The methods here are the recommender's own layers; the plain operators are in `Operators`.
 */
export class GraphBuilder extends Operators {
  /** All inputs of a contract, by name. */
  inputsOf<Name extends string>(contract: { inputs: Record<Name, ValueSpecification> }): Record<Name, string> {
    const names = Object.keys(contract.inputs) as Name[];
    const inputs = names.map((name) => {
      const { type, dims } = contract.inputs[name];
      return [name, this.input(name, type, dims)];
    });
    return Object.fromEntries(inputs) as Record<Name, string>;
  }

  /**
   * `x · weights + bias` over the last axis of `x` [..., in], for weights [in, out] row-major; no bias adds nothing. With a
   * `name` they are stored as `name/weight` and `name/bias`.
   */
  dense(x: string, weights: Float32Array, bias?: Float32Array, name?: string): string {
    const shape = this.shapeOf(x);
    const width = this.#fixed(x, -1);
    const out = weights.length / width;
    if (!Number.isInteger(out) || (bias && bias.length !== out)) {
      const biases = bias ? ` and ${bias.length} biases` : "";
      throw this.error(`a dense layer on ${write(shape)} cannot have ${weights.length} weights${biases}`);
    }
    const matrix = this.weights(weights, [width, out], name && `${name}/weight`);
    if (!bias) return this.matMul(x, matrix);
    const biases = this.weights(bias, [out], name && `${name}/bias`);
    return shape.length === 2 ? this.gemm(x, matrix, biases) : this.add(this.matMul(x, matrix), biases);
  }

  /** Weighted sum of the rows that `ids` [N, L] picks from `table` [rows, d], with `weights` [N, L]: [N, d]. */
  embeddingBag(table: string, ids: string, weights: string): string {
    const rows = this.gather(table, ids);
    // A product of [1, L] and [L, d] for each of the N is faster than multiplying and summing.
    return this.squeeze(this.matMul(this.unsqueeze(weights, [1]), rows), [1]);
  }

  /**
   * One embedding bag for each field of `ids` and `weights` [N, L], where fields of fixed lengths (adding up to L) stand
   * side by side: [N, fields · d].
   */
  fieldBags(table: string, ids: string, weights: string, lengths: number[]): string {
    const width = this.#fixed(ids, 1);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    if (total !== width)
      throw this.error(`fields of ${lengths.join(" + ")} tokens do not fill ${write(this.shapeOf(ids))}`);
    let start = 0;
    const bags = lengths.map((length) => {
      const end = start + length;
      const bag = this.embeddingBag(table, this.slice(ids, 1, start, end), this.slice(weights, 1, start, end));
      start = end;
      return bag;
    });
    return bags.length === 1 ? bags[0] : this.concat(bags, 1);
  }

  /** `x / sqrt(Σ x² + epsilon)` over the last axis, as the towers train it: unit length, and zeros for a row of zeros. */
  l2Normalise(x: string, epsilon = 1e-12): string {
    const squares = this.sum(this.multiply(x, x), [-1], true);
    return this.divide(x, this.sqrt(this.add(squares, this.scalar(epsilon))));
  }

  /** `(x − mean) / deviation` column by column for `x` [N, d], clipped to ±`limit` deviations. */
  standardise(x: string, { mean, deviation }: Standardisation, limit = 5): string {
    return this.clip(this.divide(this.subtract(x, mean), deviation), -limit, limit);
  }

  /** Stores what `standardise` takes, [d] each, as `mean` and `deviation`. */
  standardisation(mean: Float32Array, deviation: Float32Array): Standardisation {
    const bad = deviation.findIndex((each) => !(each > 0));
    if (bad >= 0) throw this.error(`column ${bad} has the deviation ${deviation[bad]}; use 1 for a constant column`);
    return {
      mean: this.weights(mean, [mean.length], "mean"),
      deviation: this.weights(deviation, [deviation.length], "deviation"),
    };
  }

  #fixed(x: string, axis: number): number {
    const size = this.shapeOf(x).at(axis);
    if (typeof size !== "number")
      throw this.error(`axis ${axis} of ${x} ${write(this.shapeOf(x))} must have a fixed size`);
    return size;
  }
}
