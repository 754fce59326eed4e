import { type Model, readModel, type ValueInfo } from "./model.ts";
import { operators } from "./operators/index.ts";

/** What a graph takes and gives: for each name its type and dims, where a string such as "N" stands for a dynamic dim. */
export interface Contract {
  inputs: Record<string, ValueSpecification>;
  outputs: Record<string, ValueSpecification>;
}

export interface ValueSpecification {
  type: "float32" | "int64";
  dims: (number | string)[];
  /** Whether a graph may lack it. */
  optional?: boolean;
}

const elementTypes: Record<number, string> = { 1: "float32", 7: "int64" };

/**
 * Asserts that an ONNX file keeps the contract under which all our runtimes give the same scores: exactly these inputs
 * and outputs but for optional ones, float32 and int64 only, opset 17 or 18, IR version at most 10, no scalar outputs, dynamic dims where the
 * contract has them, and operators that the executor knows. Throws a one-line error that says what is wrong.
 */
export function assertContract(bytes: Uint8Array, contract: Contract): void {
  const model = readModel(bytes);
  if (model.opset !== 17 && model.opset !== 18) throw new Error(`the graph is of opset ${model.opset}, not 17 or 18`);
  if (model.irVersion < 3 || model.irVersion > 10) {
    throw new Error(`the graph is of IR version ${model.irVersion}; ONNX Runtime 1.20.1 reads up to 10`);
  }
  assertOperators(model);
  assertValues("input", model.inputs, contract.inputs);
  assertValues("output", model.outputs, contract.outputs);
}

function assertOperators(model: Model): void {
  const unknown = model.nodes.find((node) => !operators.has(node.operator));
  if (unknown) throw new Error(`the graph uses the operator ${unknown.operator}, which the executor does not have`);
  for (const node of model.nodes) {
    const to = node.operator === "Cast" ? node.attributes.get("to") : 1;
    if (to !== 1 && to !== 7 && to !== 9) throw new Error(`the graph casts to ONNX element type ${to}`);
  }
}

function assertValues(kind: string, values: ValueInfo[], specification: Record<string, ValueSpecification>): void {
  const names = values.map((value) => value.name);
  const missing = Object.keys(specification).find((name) => !specification[name].optional && !names.includes(name));
  if (missing !== undefined) throw new Error(`the graph has no ${kind} ${missing}, only ${names.join(", ")}`);
  for (const value of values) {
    if (!Object.hasOwn(specification, value.name)) throw new Error(`the graph has an unexpected ${kind} ${value.name}`);
    const wanted = specification[value.name];
    const type = elementTypes[value.elementType] ?? `ONNX element type ${value.elementType}`;
    if (type !== wanted.type) throw new Error(`${kind} ${value.name} is ${type}, not ${wanted.type}`);
    if (!value.dims) throw new Error(`${kind} ${value.name} declares no shape`);
    if (kind === "output" && value.dims.length === 0) throw new Error(`output ${value.name} is a scalar`);
    if (!sameDims(value.dims, wanted.dims)) {
      throw new Error(`${kind} ${value.name} is [${value.dims.join(", ")}], not [${wanted.dims.join(", ")}]`);
    }
  }
}

function sameDims(actual: (number | string)[], wanted: (number | string)[]): boolean {
  // The symbol's own name does not matter: other exporters say "batch".
  return (
    actual.length === wanted.length &&
    wanted.every((dim, axis) => (typeof dim === "string" ? typeof actual[axis] === "string" : dim === actual[axis]))
  );
}
