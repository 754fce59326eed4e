import { binary, where } from "./binary.ts";
import { concat } from "./concat.ts";
import { cast, clip, elementwise, identity, relu } from "./elementwise.ts";
import { gather } from "./gather.ts";
import { gatherElements } from "./gather-elements.ts";
import { gemm, matMul } from "./matmul.ts";
import type { Operator } from "./operator.ts";
import { logSoftmax, reductions, softmax } from "./reduce.ts";
import { expand, reshape, shape, squeeze, unsqueeze } from "./shape.ts";
import { slice } from "./slice.ts";
import { transpose } from "./transpose.ts";

/** Constant: the tensor in its attribute. */
const constant: Operator = (_, attributes) => {
  const value = attributes.get("value");
  if (typeof value !== "object" || Array.isArray(value)) throw new Error("a constant that is not a tensor");
  return value;
};

/** Every operator that the executor knows, by its ONNX name, as of opset 17. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  Object.entries({
    ...elementwise,
    ...binary,
    ...reductions,
    Cast: cast,
    Clip: clip,
    Concat: concat,
    Constant: constant,
    Expand: expand,
    Gather: gather,
    GatherElements: gatherElements,
    Gemm: gemm,
    Identity: identity,
    LogSoftmax: logSoftmax,
    MatMul: matMul,
    Relu: relu,
    Reshape: reshape,
    Shape: shape,
    Slice: slice,
    Softmax: softmax,
    Squeeze: squeeze,
    Transpose: transpose,
    Unsqueeze: unsqueeze,
    Where: where,
  }),
);
