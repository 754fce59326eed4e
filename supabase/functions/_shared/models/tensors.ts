/** Plain tensors, as all three ONNX runtimes take and give them. */
import type { FloatTensor, IntegerTensor, Tensor } from "./onnx-executor/tensor.ts";

export type { Tensor };

export type Feeds = Record<string, Tensor>;

/** A float32 tensor of a shape. */
export function float32(data: Float32Array, dims: number[]): FloatTensor {
  return { type: "float32", data, dims };
}

/** An int64 tensor of a shape. */
export function int64(ids: Iterable<number>, dims: number[]): IntegerTensor {
  return { type: "int64", data: BigInt64Array.from(Array.from(ids, BigInt)), dims };
}
