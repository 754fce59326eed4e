import { type ElementType, Graph } from "./graph.ts";
import { broadcast, multiply, reshape, type Shape, toAxis, unsqueeze, write } from "./shapes.ts";

/** The ONNX operators that the models are made of, one method each. Arguments and results are names of values. */
export class Operators extends Graph {
  add = (a: string, b: string): string => this.#binary("Add", a, b);
  subtract = (a: string, b: string): string => this.#binary("Sub", a, b);
  multiply = (a: string, b: string): string => this.#binary("Mul", a, b);
  divide = (a: string, b: string): string => this.#binary("Div", a, b);

  relu = (x: string): string => this.#unary("Relu", x);
  sigmoid = (x: string): string => this.#unary("Sigmoid", x);
  exp = (x: string): string => this.#unary("Exp", x);
  log = (x: string): string => this.#unary("Log", x);
  sqrt = (x: string): string => this.#unary("Sqrt", x);

  /** Everything below `low` becomes `low`, everything above `high` becomes `high`. */
  clip(x: string, low: number, high: number): string {
    return this.node("Clip", [this.#expect(x), this.scalar(low), this.scalar(high)], "float32", this.shapeOf(x));
  }

  cast(x: string, type: "float32" | "int64"): string {
    return this.node("Cast", [x], type, this.shapeOf(x), { to: type === "float32" ? 1 : 7 });
  }

  /** `log(softmax(x))`, without the loss of taking a logarithm of what has become 0. */
  logSoftmax(x: string, axis = -1): string {
    return this.node("LogSoftmax", [this.#expect(x)], "float32", this.shapeOf(x), { axis });
  }

  /** Matrix product in the last two axes. */
  matMul(a: string, b: string): string {
    return this.node(
      "MatMul",
      [this.#expect(a), this.#expect(b)],
      "float32",
      multiply(this.shapeOf(a), this.shapeOf(b)),
    );
  }

  /** `x · weights + bias` on matrices: [rows, in] · [in, out] + [out]. */
  gemm(x: string, weights: string, bias: string): string {
    const shape = multiply(this.shapeOf(x), this.shapeOf(weights));
    broadcast(shape, this.shapeOf(bias));
    return this.node("Gemm", [this.#expect(x), weights, bias], "float32", shape);
  }

  /** Inner products of each row of `a` with each row of `b`: [n, d] and [m, d] to [n, m]. */
  dots(a: string, b: string): string {
    const shape = multiply(this.shapeOf(a), this.shapeOf(b).toReversed());
    return this.node("Gemm", [this.#expect(a), this.#expect(b)], "float32", shape, { transB: 1 });
  }

  /** Slices of `table` along `axis`, picked by int64 `ids`. */
  gather(table: string, ids: string, axis = 0): string {
    this.#expect(ids, "int64");
    const shape = this.shapeOf(table);
    const at = toAxis(axis, shape.length);
    const picked = [...shape.slice(0, at), ...this.shapeOf(ids), ...shape.slice(at + 1)];
    return this.node("Gather", [table, ids], this.typeOf(table), picked, { axis: at });
  }

  /** Of each row of `x` [n, m] the elements whose columns stand in the same row of int64 `columns` [n, k]: [n, k]. */
  pick(x: string, columns: string): string {
    this.#expect(columns, "int64");
    const [rows, shape] = [this.shapeOf(x)[0], this.shapeOf(columns)];
    if (shape.length !== 2 || shape[0] !== rows)
      throw this.error(`cannot pick ${write(shape)} out of ${write(this.shapeOf(x))}`);
    return this.node("GatherElements", [x, columns], this.typeOf(x), shape, { axis: 1 });
  }

  concat(values: string[], axis: number): string {
    const first = this.shapeOf(values[0]);
    const at = toAxis(axis, first.length);
    let total = 0;
    for (const value of values) {
      const shape = this.shapeOf(value);
      const size = shape[at];
      if (typeof size !== "number") throw this.error(`cannot concatenate along ${size}, whose size is not known`);
      if (write(shape.with(at, 0)) !== write(first.with(at, 0))) {
        throw this.error(`cannot concatenate ${write(first)} and ${write(shape)} along axis ${at}`);
      }
      total += size;
    }
    return this.node("Concat", values, this.#common(...values), first.with(at, total), { axis: at });
  }

  /** The part of `x` from `start` to before `end` along a fixed axis. */
  slice(x: string, axis: number, start: number, end: number): string {
    const shape = this.shapeOf(x);
    const at = toAxis(axis, shape.length);
    const size = shape[at];
    if (typeof size !== "number" || start < 0 || end > size || start >= end) {
      throw this.error(`cannot cut ${start} to ${end} out of axis ${at} of ${write(shape)}`);
    }
    const inputs = [x, this.integers([start]), this.integers([end]), this.integers([at])];
    return this.node("Slice", inputs, this.typeOf(x), shape.with(at, end - start));
  }

  /** 0 keeps the dimension of that axis, one -1 takes what is left. */
  reshape(x: string, shape: number[]): string {
    return this.node("Reshape", [x, this.integers(shape)], this.typeOf(x), reshape(this.shapeOf(x), shape));
  }

  /** Puts in axes of 1, numbered as they are in the result. */
  unsqueeze(x: string, axes: number[]): string {
    return this.node("Unsqueeze", [x, this.integers(axes)], this.typeOf(x), unsqueeze(this.shapeOf(x), axes));
  }

  /** Drops axes, which must be 1. */
  squeeze(x: string, axes: number[]): string {
    const shape = this.shapeOf(x);
    const dropped = axes.map((axis) => toAxis(axis, shape.length));
    if (dropped.some((axis) => shape[axis] !== 1)) throw this.error(`axes [${axes}] of ${write(shape)} are not all 1`);
    const left = shape.filter((_, axis) => !dropped.includes(axis));
    return this.node("Squeeze", [x, this.integers(axes)], this.typeOf(x), left);
  }

  sum(x: string, axes: number[], keep = false): string {
    const inputs = [this.#expect(x), this.integers(axes)];
    return this.node("ReduceSum", inputs, "float32", this.#reduced(x, axes, keep), { keepdims: keep ? 1 : 0 });
  }

  #unary(operator: string, x: string): string {
    return this.node(operator, [this.#expect(x)], "float32", this.shapeOf(x));
  }

  #binary(operator: string, a: string, b: string): string {
    return this.node(operator, [a, b], this.#common(a, b), broadcast(this.shapeOf(a), this.shapeOf(b)));
  }

  #reduced(x: string, axes: number[], keep: boolean): Shape {
    const shape = this.shapeOf(x);
    const folded = axes.map((axis) => toAxis(axis, shape.length));
    if (keep) return shape.map((dim, axis) => (folded.includes(axis) ? 1 : dim));
    return shape.filter((_, axis) => !folded.includes(axis));
  }

  #common(...values: string[]): ElementType {
    const [first, ...others] = values.map((value) => this.typeOf(value));
    const other = others.find((type) => type !== first);
    if (other) throw this.error(`${first} and ${other} cannot be mixed (${values.join(", ")})`);
    return first;
  }

  #expect(value: string, type: ElementType = "float32"): string {
    if (this.typeOf(value) !== type) throw this.error(`${value} must be ${type}, not ${this.typeOf(value)}`);
    return value;
  }
}
