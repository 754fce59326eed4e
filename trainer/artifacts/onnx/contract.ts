/** Holds an ONNX file against the contract of its graph, before it is published. */
import onnxProto, { type onnx } from "onnx-proto";
import type { Contract, ValueSpecification } from "../../../supabase/functions/_shared/models/contracts.ts";

const { ModelProto, TensorProto } = onnxProto.onnx;
const elementTypes: Record<number, string> = {
  [TensorProto.DataType.FLOAT]: "float32",
  [TensorProto.DataType.INT64]: "int64",
};

/**
 * Asserts that an ONNX file keeps the contract of both runtimes: exactly these inputs and outputs but for optional ones, float32 and int64
 * only, opset 17 or 18, IR version at most 10, no scalar outputs, dynamic dims as agreed. Throws a one-line error that says what is wrong.
 */
export function assertContract(bytes: Uint8Array, contract: Contract): void {
  const { irVersion, opsetImport, graph } = read(bytes);
  const opset = opsetImport?.find(({ domain }) => !domain || domain === "ai.onnx")?.version;
  if (Number(opset) !== 17 && Number(opset) !== 18) throw new Error(`the graph is of opset ${opset}, not 17 or 18`);
  if (Number(irVersion) > 10)
    throw new Error(`the graph is of IR version ${irVersion}; ONNX Runtime 1.20.1 reads up to 10`);
  assertValues("input", graph?.input ?? [], contract.inputs);
  assertValues("output", graph?.output ?? [], contract.outputs);
}

function read(bytes: Uint8Array): onnx.ModelProto {
  try {
    const model = ModelProto.decode(bytes);
    if (model.graph) return model;
  } catch {
    // the decoder's error says nothing to an engineer who publishes
  }
  throw new Error("the graph is truncated or corrupt");
}

function assertValues(
  kind: string,
  values: onnx.IValueInfoProto[],
  specified: Record<string, ValueSpecification>,
): void {
  const names = values.map(({ name }) => name ?? "");
  const missing = Object.keys(specified).find((name) => !specified[name].optional && !names.includes(name));
  if (missing !== undefined) throw new Error(`the graph has no ${kind} ${missing}, only ${names.join(", ")}`);
  for (const [i, name] of names.entries()) {
    if (!Object.hasOwn(specified, name)) throw new Error(`the graph has an unexpected ${kind} ${name}`);
    const { elemType, shape } = values[i].type?.tensorType ?? {};
    const type = elementTypes[elemType ?? 0] ?? `ONNX element type ${elemType}`;
    if (type !== specified[name].type) throw new Error(`${kind} ${name} is ${type}, not ${specified[name].type}`);
    if (!shape) throw new Error(`${kind} ${name} declares no shape`);
    const dims = (shape.dim ?? []).map(({ dimParam, dimValue }) => dimParam || Number(dimValue));
    if (kind === "output" && dims.length === 0) throw new Error(`output ${name} is a scalar`);
    if (!sameDims(dims, specified[name].dims))
      throw new Error(`${kind} ${name} is [${dims.join(", ")}], not [${specified[name].dims.join(", ")}]`);
  }
}

function sameDims(actual: (number | string)[], wanted: (number | string)[]): boolean {
  // the symbol's own name does not matter: other exporters say "batch"
  return (
    actual.length === wanted.length &&
    wanted.every((dim, axis) => (typeof dim === "string" ? typeof actual[axis] === "string" : dim === actual[axis]))
  );
}
