/** Writes small ONNX files for the executor's tests, with the reference encoder and independently of the trainer's builder. */
import onnxProto, { type onnx } from "onnx-proto";
import { createSession } from "./session.ts";
import type { Tensor } from "./tensor.ts";

const { AttributeProto, ModelProto } = onnxProto.onnx;
export const elementTypes = { float32: 1, int64: 7 } as const;
type Attributes = Record<string, number | number[]>;

/** A float32 tensor. */
export function floats(dims: number[], ...values: number[]): Tensor {
  return { type: "float32", data: Float32Array.from(values), dims };
}

/** An int64 tensor. */
export function integers(dims: number[], ...values: number[]): Tensor {
  return { type: "int64", data: BigInt64Array.from(values, BigInt), dims };
}

/** A declared input or output. */
export function valueInfo(name: string, elemType: number, dims: (number | string)[]): onnx.IValueInfoProto {
  const dim = dims.map((each) => (typeof each === "string" ? { dimParam: each } : { dimValue: each }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

/** A node; list attributes and whole numbers are integers, `alpha` and `beta` floats. */
export function node(opType: string, input: string[], output: string, attributes: Attributes = {}): onnx.INodeProto {
  const attribute = Object.entries(attributes).map(([name, value]) => {
    if (Array.isArray(value)) return { name, type: AttributeProto.AttributeType.INTS, ints: value };
    if (name === "alpha" || name === "beta") return { name, type: AttributeProto.AttributeType.FLOAT, f: value };
    return { name, type: AttributeProto.AttributeType.INT, i: value };
  });
  return { opType, input, output: [output], attribute };
}

/** The bytes of a model around a graph. */
export function model(graph: onnx.IGraphProto, version = 17, irVersion = 8): Uint8Array {
  const opsetImport = [{ domain: "", version }];
  return new Uint8Array(ModelProto.encode({ irVersion, opsetImport, graph }).finish());
}

/** Runs one operator on inputs; its output may be of any rank or type. An undefined input is left out. */
export async function runOperator(
  operator: string,
  inputs: (Tensor | undefined)[],
  attributes: Attributes = {},
): Promise<Tensor> {
  const names = inputs.map((input, index) => (input ? `input${index}` : ""));
  const feeds: Record<string, Tensor> = {};
  for (const [index, input] of inputs.entries()) if (input) feeds[names[index]] = input;
  const bytes = model({
    name: "test",
    node: [node(operator, names, "output", attributes)],
    input: Object.entries(feeds).map(([name, { type, dims }]) => valueInfo(name, elementTypes[type], dims)),
    output: [{ name: "output" }],
  });
  return (await (await createSession(bytes)).run(feeds)).output;
}
