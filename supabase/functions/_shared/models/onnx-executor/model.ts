import { asBytes, asInteger, asText, readFields, readIntegers } from "./protobuf.ts";
import { readTensor } from "./read-tensor.ts";
import type { Value } from "./tensor.ts";

/** An ONNX file as far as running it needs: no documentation, no training, no functions. */
export interface Model {
  irVersion: number;
  /** Version of the standard operator set. */
  opset: number;
  nodes: Node[];
  initialisers: Map<string, Value>;
  inputs: ValueInfo[];
  outputs: ValueInfo[];
}

export interface Node {
  operator: string;
  inputs: string[];
  outputs: string[];
  attributes: Map<string, Attribute>;
}

export type Attribute = number | number[] | Value | string;

export interface ValueInfo {
  name: string;
  /** ONNX's number of the element type: 1 is float32, 7 is int64. */
  elementType: number;
  /** Numbers are fixed, strings are symbols such as "N"; undefined where the file declares no shape. */
  dims: (number | string)[] | undefined;
}

/** Reads an ONNX file's bytes. Throws a one-line error on anything that is not one, whatever the bytes. */
export function readModel(bytes: Uint8Array): Model {
  const model: Model = { irVersion: 0, opset: 0, nodes: [], initialisers: new Map(), inputs: [], outputs: [] };
  let graphs = 0;
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) model.irVersion = asInteger(value);
    else if (number === 8) readOpset(asBytes(value), model);
    else if (number === 25) throw new Error("the model defines functions of its own, which are not supported");
    else if (number === 7) {
      graphs++;
      readGraph(asBytes(value), model);
    }
  }
  if (graphs !== 1) throw new Error("the model is truncated or corrupt: it holds no graph");
  if (model.opset === 0) throw new Error("the model is truncated or corrupt: it names no opset");
  // Old files list their initialisers among the inputs too.
  model.inputs = model.inputs.filter((input) => !model.initialisers.has(input.name));
  return model;
}

function readOpset(bytes: Uint8Array, model: Model): void {
  let domain = "";
  let version = 0;
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) domain = asText(value);
    else if (number === 2) version = asInteger(value);
  }
  if (domain === "" || domain === "ai.onnx") model.opset = version;
}

function readGraph(bytes: Uint8Array, model: Model): void {
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) model.nodes.push(readNode(asBytes(value)));
    else if (number === 11) model.inputs.push(readValueInfo(asBytes(value)));
    else if (number === 12) model.outputs.push(readValueInfo(asBytes(value)));
    else if (number === 15) throw new Error("the model holds sparse tensors, which are not supported");
    else if (number === 5) {
      const tensor = readTensor(asBytes(value));
      model.initialisers.set(tensor.name, tensor.value);
    }
  }
}

function readNode(bytes: Uint8Array): Node {
  const node: Node = { operator: "", inputs: [], outputs: [], attributes: new Map() };
  let domain = "";
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) node.inputs.push(asText(value));
    else if (number === 2) node.outputs.push(asText(value));
    else if (number === 4) node.operator = asText(value);
    else if (number === 7) domain = asText(value);
    else if (number === 5) readAttribute(asBytes(value), node.attributes);
  }
  if (domain !== "" && domain !== "ai.onnx") node.operator = `${domain}.${node.operator}`;
  return node;
}

function readAttribute(bytes: Uint8Array, attributes: Map<string, Attribute>): void {
  let name = "";
  let type = 0;
  let float = 0;
  let integer = 0;
  let text = "";
  let tensor: Value | undefined;
  const integers: number[] = [];
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) name = asText(value);
    else if (number === 2) float = readFloat(asBytes(value));
    else if (number === 3) integer = asInteger(value);
    else if (number === 4) text = asText(value);
    else if (number === 5) tensor = readTensor(asBytes(value)).value;
    else if (number === 8) for (const each of readIntegers(value)) integers.push(Number(each));
    else if (number === 20) type = asInteger(value);
  }
  if (type === 1) attributes.set(name, float);
  else if (type === 2) attributes.set(name, integer);
  else if (type === 3) attributes.set(name, text);
  else if (type === 4 && tensor) attributes.set(name, tensor);
  else if (type === 7) attributes.set(name, integers);
  else throw new Error(`attribute ${JSON.stringify(name)} has a type which is not supported`);
}

function readFloat(bytes: Uint8Array): number {
  if (bytes.length !== 4) throw new Error("the model is truncated or corrupt");
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
}

function readValueInfo(bytes: Uint8Array): ValueInfo {
  const info: ValueInfo = { name: "", elementType: 0, dims: undefined };
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) info.name = asText(value);
    else if (number === 2) {
      for (const type of readFields(asBytes(value))) if (type.number === 1) readTensorType(asBytes(type.value), info);
    }
  }
  return info;
}

function readTensorType(bytes: Uint8Array, info: ValueInfo): void {
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) info.elementType = asInteger(value);
    else if (number === 2) {
      info.dims = [];
      for (const dim of readFields(asBytes(value))) if (dim.number === 1) info.dims.push(readDim(asBytes(dim.value)));
    }
  }
}

function readDim(bytes: Uint8Array): number | string {
  let dim: number | string = "?";
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) dim = asInteger(value);
    else if (number === 2) dim = asText(value);
  }
  return dim;
}
