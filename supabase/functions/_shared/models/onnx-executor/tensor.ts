import type { Tensor } from "../../features/tensors.ts";

export type { FloatTensor, IntegerTensor, Tensor } from "../../features/tensors.ts";

/** Comparisons give these inside a graph; they never enter or leave it. */
export interface BooleanTensor {
  type: "bool";
  data: Uint8Array;
  dims: number[];
}

/** Whatever flows between the operators of a graph. */
export type Value = Tensor | BooleanTensor;
export type ElementType = Value["type"];

/** Number of elements in a tensor of these dims; 1 for a scalar. */
export function sizeOf(dims: readonly number[]): number {
  let size = 1;
  for (const dim of dims) size *= dim;
  return size;
}

/** How far apart neighbours along each axis stand in row-major data. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let stride = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= dims[axis];
  }
  return strides;
}

/** A tensor's type and shape for messages: `float32 [500, 32]`. */
export function describe(value: Value): string {
  return `${value.type} [${value.dims.join(", ")}]`;
}

/** A new tensor of the same element type with other dims: over `data` if given, else zeros. */
export function like(value: Value, dims: number[], data: Value["data"] = zeros(value.type, sizeOf(dims))): Value {
  return { type: value.type, data, dims } as Value;
}

/** A quarter of a gigabyte as float32, which is all that an Edge Function has. */
const largest = 2 ** 26;

/** Throws where a tensor of `size` elements would be too large: a damaged shape must not take the memory or hang. */
export function checkSize(size: number): void {
  if (!(size <= largest)) throw new Error(`a tensor of ${size} elements is too large, at most ${largest} are allowed`);
}

/** Zeroed storage for `size` elements. */
export function zeros(type: "float32", size: number): Float32Array;
export function zeros(type: ElementType, size: number): Value["data"];
export function zeros(type: ElementType, size: number): Value["data"] {
  checkSize(size);
  if (type === "float32") return new Float32Array(size);
  return type === "int64" ? new BigInt64Array(size) : new Uint8Array(size);
}

/** An axis counted from the front; negative ones count from the back. Throws where there is no such axis. */
export function toAxis(axis: number, rank: number): number {
  const front = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(front) || front < 0 || front >= rank)
    throw new Error(`axis ${axis} of a tensor of rank ${rank}`);
  return front;
}
