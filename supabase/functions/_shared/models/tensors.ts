/** Plain tensors, as all three ONNX runtimes take and give them. */
import type { FloatTensor, IntegerTensor, Tensor } from "./onnx-executor/tensor.ts";

export type { Tensor };

export type Feeds = Record<string, Tensor>;

/** A float32 tensor of a shape. */
export function float32(data: Float32Array, dims: number[]): FloatTensor {
  return { type: "float32", data, dims };
}

/** An int64 tensor of a shape, of whole numbers below 2³¹. */
export function int64(ids: ArrayLike<number>, dims: number[]): IntegerTensor {
  const data = new BigInt64Array(ids.length);
  // the lower half first, as on every machine that runs this: the 3,000 BigInts of a feed took 0.3 ms
  const halves = new Int32Array(data.buffer);
  for (let i = 0; i < ids.length; i++) {
    halves[2 * i] = ids[i];
    halves[2 * i + 1] = ids[i] >> 31;
  }
  return { type: "int64", data, dims };
}
