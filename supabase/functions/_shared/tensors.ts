/** Plain tensors, as all three ONNX runtimes take and give them. */
export interface Tensor {
  type: "float32" | "int64";
  data: Float32Array | BigInt64Array;
  dims: number[];
}

export type Feeds = Record<string, Tensor>;

/** A float32 tensor of a shape. */
export function float32(data: Float32Array, dims: number[]): Tensor {
  return { type: "float32", data, dims };
}

/** An int64 tensor of a shape. */
export function int64(ids: Iterable<number>, dims: number[]): Tensor {
  return { type: "int64", data: BigInt64Array.from(Array.from(ids, BigInt)), dims };
}
