import { type FloatTensor, like, sizeOf, stridesOf, toAxis } from "../tensor.ts";
import { stridedPlaces } from "./broadcast.ts";
import { integersAttribute, integersOf, numberAttribute, type Operator, requiredFloat } from "./operator.ts";

/** Operators that fold axes of a float32 tensor into one value each; without axes, all of them. */
export const reductions: Record<string, Operator> = {
  ReduceSum: reduction(
    0,
    (sum, x) => sum + x,
    (sum) => sum,
  ),
  ReduceMean: reduction(
    0,
    (sum, x) => sum + x,
    (sum, count) => sum / count,
  ),
  ReduceMax: reduction(Number.NEGATIVE_INFINITY, Math.max, (max) => max),
  ReduceL2: reduction(0, (sum, x) => sum + x * x, Math.sqrt),
};

function reduction(
  start: number,
  fold: (so: number, x: number) => number,
  finish: (result: number, count: number) => number,
): Operator {
  return (inputs, attributes) => {
    const input = requiredFloat(inputs, 0);
    const rank = input.dims.length;
    // Sums take their axes as an input; the others, before opset 18, as an attribute.
    const named = integersOf(inputs, 1) ?? integersAttribute(attributes, "axes");
    if (!named?.length && numberAttribute(attributes, "noop_with_empty_axes", 0)) return input;
    const axes = named?.length ? named.map((axis) => toAxis(axis, rank)) : input.dims.map((_, axis) => axis);
    const keep = numberAttribute(attributes, "keepdims", 1) !== 0;
    const strides = stridesOf(input.dims);
    const kept = input.dims.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const places = (chosen: number[]) =>
      stridedPlaces(
        chosen.map((axis) => input.dims[axis]),
        chosen.map((axis) => strides[axis]),
      );
    const origins = places(kept);
    const steps = places(axes);
    const dims = input.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
    const output = like(input, keep ? dims : kept.map((axis) => input.dims[axis])) as FloatTensor;
    for (let index = 0; index < origins.length; index++) {
      let result = start;
      for (let step = 0; step < steps.length; step++) result = fold(result, input.data[origins[index] + steps[step]]);
      output.data[index] = finish(result, steps.length);
    }
    return output;
  };
}

/** Softmax along `axis`, the last one by default. */
export const softmax: Operator = (inputs, attributes) => normalised(inputs, attributes, false);

/** LogSoftmax: the logarithm of Softmax, which stays finite where Softmax becomes 0. */
export const logSoftmax: Operator = (inputs, attributes) => normalised(inputs, attributes, true);

function normalised(inputs: Parameters<Operator>[0], attributes: Parameters<Operator>[1], logarithm: boolean) {
  const input = requiredFloat(inputs, 0);
  const axis = toAxis(numberAttribute(attributes, "axis", -1), input.dims.length);
  const count = input.dims[axis];
  const stride = sizeOf(input.dims.slice(axis + 1));
  const output = like(input, input.dims) as FloatTensor;
  const exponentials = new Float64Array(count);
  for (let index = 0; index < input.data.length / count; index++) {
    const start = Math.floor(index / stride) * stride * count + (index % stride);
    let highest = Number.NEGATIVE_INFINITY;
    for (let step = 0; step < count; step++) highest = Math.max(highest, input.data[start + step * stride]);
    let sum = 0;
    for (let step = 0; step < count; step++) {
      exponentials[step] = Math.exp(input.data[start + step * stride] - highest);
      sum += exponentials[step];
    }
    const logSum = highest + Math.log(sum);
    for (let step = 0; step < count; step++) {
      const at = start + step * stride;
      output.data[at] = logarithm ? input.data[at] - logSum : exponentials[step] / sum;
    }
  }
  return output;
}
