/** Row-major tensors, the inputs and outputs of a graph, independent of the ONNX runtime. */
export type Tensor = FloatTensor | IntegerTensor;

export interface FloatTensor {
  type: "float32";
  data: Float32Array;
  dims: number[];
}

export interface IntegerTensor {
  type: "int64";
  data: BigInt64Array;
  dims: number[];
}

export type Feeds = Record<string, Tensor>;

/** A float32 tensor with the shape `dims`. */
export function float32(data: Float32Array, dims: number[]): FloatTensor {
  return { type: "float32", data, dims };
}

/** An int64 tensor with the shape `dims`, of whole numbers below 2³¹ in absolute value. */
export function int64(ids: ArrayLike<number>, dims: number[]): IntegerTensor {
  const data = new BigInt64Array(ids.length);
  // writes little-endian 32-bit halves, which is faster than creating BigInts
  const halves = new Int32Array(data.buffer);
  for (let i = 0; i < ids.length; i++) {
    halves[2 * i] = ids[i];
    halves[2 * i + 1] = ids[i] >> 31;
  }
  return { type: "int64", data, dims };
}
