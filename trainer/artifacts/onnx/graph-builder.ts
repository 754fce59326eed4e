import type { ValueSpecification } from "../../../supabase/functions/_shared/models/contracts.ts";
import { type ElementType, Graph } from "./graph.ts";

/** Names of the values [d] that `standardise` takes. */
export interface StandardisationNames {
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
 * First the ONNX operators that the models are made of, then the recommender's own layers. Arguments and results are names of values.
 */
export class GraphBuilder extends Graph {
  add = (a: string, b: string): string => this.node("Add", [a, b]);
  subtract = (a: string, b: string): string => this.node("Sub", [a, b]);
  multiply = (a: string, b: string): string => this.node("Mul", [a, b]);
  divide = (a: string, b: string): string => this.node("Div", [a, b]);

  relu = (x: string): string => this.node("Relu", [x]);
  sigmoid = (x: string): string => this.node("Sigmoid", [x]);
  exp = (x: string): string => this.node("Exp", [x]);
  log = (x: string): string => this.node("Log", [x]);
  sqrt = (x: string): string => this.node("Sqrt", [x]);

  /** Everything below `low` becomes `low`, everything above `high` becomes `high`. */
  clip = (x: string, low: number, high: number): string => this.node("Clip", [x, this.scalar(low), this.scalar(high)]);

  cast = (x: string, type: ElementType): string => this.node("Cast", [x], { to: type === "float32" ? 1 : 7 }, type);

  /** `log(softmax(x))`, without the loss of taking a logarithm of what has become 0. */
  logSoftmax = (x: string, axis = -1): string => this.node("LogSoftmax", [x], { axis });

  /** Matrix product in the last two axes. */
  matMul = (a: string, b: string): string => this.node("MatMul", [a, b]);

  /** `x · weights + bias` on matrices: [rows, in] · [in, out] + [out]. */
  gemm = (x: string, weights: string, bias: string): string => this.node("Gemm", [x, weights, bias]);

  /** Inner products of each row of `a` with each row of `b`: [n, d] and [m, d] to [n, m]. */
  dots = (a: string, b: string): string => this.node("Gemm", [a, b], { transB: 1 });

  /** Slices of `table` along `axis`, picked by int64 `ids`. */
  gather = (table: string, ids: string, axis = 0): string => this.node("Gather", [table, ids], { axis });

  /** Of each row of `x` [n, m] the elements whose columns stand in the same row of int64 `columns` [n, k]: [n, k]. */
  pick = (x: string, columns: string): string => this.node("GatherElements", [x, columns], { axis: 1 });

  concat = (values: string[], axis: number): string => this.node("Concat", values, { axis });

  /** The part of `x` from `start` to before `end` along an axis. */
  slice(x: string, axis: number, start: number, end: number): string {
    return this.node("Slice", [x, this.integers([start]), this.integers([end]), this.integers([axis])]);
  }

  /** 0 keeps the dimension of that axis, one -1 takes what is left. */
  reshape = (x: string, shape: number[]): string => this.node("Reshape", [x, this.integers(shape)]);

  /** Puts in axes of 1, numbered as they are in the result. */
  unsqueeze = (x: string, axes: number[]): string => this.node("Unsqueeze", [x, this.integers(axes)]);

  /** Drops axes, which must be 1. */
  squeeze = (x: string, axes: number[]): string => this.node("Squeeze", [x, this.integers(axes)]);

  sum(x: string, axes: number[], keep = false): string {
    return this.node("ReduceSum", [x, this.integers(axes)], { keepdims: keep ? 1 : 0 });
  }

  /** All inputs that a contract asks for, by name; optional ones are not among them. */
  inputsOf<Name extends string>(contract: { inputs: Record<Name, ValueSpecification> }): Record<Name, string> {
    const names = (Object.keys(contract.inputs) as Name[]).filter((name) => !contract.inputs[name].optional);
    const inputs = names.map((name) => {
      const { type, dims } = contract.inputs[name];
      return [name, this.input(name, type, dims)];
    });
    return Object.fromEntries(inputs) as Record<Name, string>;
  }

  /**
   * `x · weights + bias` for `x` [rows, in], `weights` [in, out] row-major and `bias` [out]. With a `name` they are stored as `name/weight` and
   * `name/bias`.
   */
  dense(x: string, weights: Float32Array, bias: Float32Array, name?: string): string {
    const matrix = this.weights(weights, [weights.length / bias.length, bias.length], name && `${name}/weight`);
    return this.gemm(x, matrix, this.weights(bias, [bias.length], name && `${name}/bias`));
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
  standardise(x: string, { mean, deviation }: StandardisationNames, limit = 5): string {
    return this.clip(this.divide(this.subtract(x, mean), deviation), -limit, limit);
  }

  /** Stores what `standardise` takes, [d] each, as `mean` and `deviation`. */
  standardisation(mean: Float32Array, deviation: Float32Array): StandardisationNames {
    const bad = deviation.findIndex((each) => !(each > 0));
    if (bad >= 0) throw this.error(`column ${bad} has the deviation ${deviation[bad]}; use 1 for a constant column`);
    return {
      mean: this.weights(mean, [mean.length], "mean"),
      deviation: this.weights(deviation, [deviation.length], "deviation"),
    };
  }
}
