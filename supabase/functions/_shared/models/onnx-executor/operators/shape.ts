import { describe, like, sizeOf, toAxis, type Value } from "../tensor.ts";
import { broadcastDims, broadcastPlaces } from "./broadcast.ts";
import { integersOf, numberAttribute, type Operator, required } from "./operator.ts";
import { pick } from "./pick.ts";

/** Shape: the dims from `start` to before `end` as int64. */
export const shape: Operator = (inputs, attributes) => {
  const { dims } = required(inputs, 0);
  const start = numberAttribute(attributes, "start", 0);
  const end = numberAttribute(attributes, "end", dims.length);
  const data = BigInt64Array.from(dims.slice(start, end), BigInt);
  return { type: "int64", dims: [data.length], data };
};

/** Reshape: 0 keeps the dim of that axis, one -1 takes what is left. */
export const reshape: Operator = (inputs, attributes) => {
  const input = required(inputs, 0);
  const wanted = requiredIntegers(inputs, 1);
  const keepZero = numberAttribute(attributes, "allowzero", 0) !== 0;
  const dims = wanted.map((dim, axis) => (dim === 0 && !keepZero ? (input.dims[axis] ?? 0) : dim));
  const unknown = dims.indexOf(-1);
  if (unknown >= 0) dims[unknown] = input.data.length / sizeOf(dims.filter((_, axis) => axis !== unknown));
  return reshaped(input, dims);
};

/** Unsqueeze: puts in axes of 1, numbered as they are in the result. */
export const unsqueeze: Operator = (inputs) => {
  const input = required(inputs, 0);
  const axes = requiredIntegers(inputs, 1);
  const rank = input.dims.length + axes.length;
  const added = new Set(axes.map((axis) => toAxis(axis, rank)));
  if (added.size !== axes.length) throw new Error(`axes [${axes.join(", ")}] name one axis twice`);
  const rest = input.dims.values();
  return reshaped(
    input,
    Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (rest.next().value as number))),
  );
};

/** Squeeze: drops the named axes, which must be 1, or all that are 1. */
export const squeeze: Operator = (inputs) => {
  const input = required(inputs, 0);
  const axes = integersOf(inputs, 1)?.map((axis) => toAxis(axis, input.dims.length));
  const dropped = (_: number, axis: number) => (axes ? axes.includes(axis) : input.dims[axis] === 1);
  if (!input.dims.filter(dropped).every((dim) => dim === 1)) {
    throw new Error(`axes [${axes}] of ${describe(input)} are not all 1`);
  }
  return reshaped(
    input,
    input.dims.filter((dim, axis) => !dropped(dim, axis)),
  );
};

/** Expand: repeats along axes of 1 until the tensor has the shape asked for. */
export const expand: Operator = (inputs) => {
  const input = required(inputs, 0);
  const dims = broadcastDims(input.dims, requiredIntegers(inputs, 1));
  return pick(input, dims, broadcastPlaces(input.dims, dims));
};

function requiredIntegers(inputs: (Value | undefined)[], index: number): number[] {
  const integers = integersOf(inputs, index);
  if (!integers) throw new Error(`input ${index} is missing`);
  return integers;
}

function reshaped(input: Value, dims: number[]): Value {
  if (dims.some((dim) => !Number.isInteger(dim) || dim < 0) || sizeOf(dims) !== input.data.length) {
    throw new Error(`${describe(input)} cannot take the shape [${dims.join(", ")}]`);
  }
  return like(input, dims, input.data);
}
