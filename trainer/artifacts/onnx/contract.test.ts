import assert from "node:assert/strict";
import { test } from "node:test";
import onnxProto, { type onnx } from "onnx-proto";
import type { Contract } from "../../../supabase/functions/_shared/models/contracts.ts";
import { assertContract } from "./contract.ts";

const contract: Contract = {
  inputs: { posts: { type: "float32", dims: ["N", 4] }, user: { type: "float32", dims: [1, 4] } },
  outputs: { scores: { type: "float32", dims: ["N", 4] } },
};

/** A declared input or output. */
function valueInfo(name: string, elemType: number, dims: (number | string)[]): onnx.IValueInfoProto {
  const dim = dims.map((each) => (typeof each === "string" ? { dimParam: each } : { dimValue: each }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

/** The bytes of a model around a graph. */
function model(graph: onnx.IGraphProto, version = 17, irVersion = 8): Uint8Array {
  const opsetImport = [{ domain: "", version }];
  return new Uint8Array(onnxProto.onnx.ModelProto.encode({ irVersion, opsetImport, graph }).finish());
}

const graph = {
  name: "test",
  node: [{ opType: "Mul", input: ["posts", "user"], output: ["scores"] }],
  input: [valueInfo("user", 1, [1, 4]), valueInfo("posts", 1, ["batch", 4])],
  output: [valueInfo("scores", 1, ["batch", 4])],
};

test("a graph that keeps the contract passes, at every allowed version, whatever its symbol is called", () => {
  for (const opset of [17, 18]) for (const ir of [8, 9, 10]) assertContract(model(graph, opset, ir), contract);
});

const [user, posts] = graph.input;
const breaches: [name: string, bytes: Uint8Array, message: RegExp][] = [
  ["opset 16", model(graph, 16), /^the graph is of opset 16, not 17 or 18$/],
  ["opset 19", model(graph, 19), /^the graph is of opset 19, not 17 or 18$/],
  ["IR 11", model(graph, 17, 11), /^the graph is of IR version 11; ONNX Runtime 1.20.1 reads up to 10$/],
  [
    "a fixed N",
    model({ ...graph, input: [user, valueInfo("posts", 1, [8, 4])] }),
    /^input posts is \[8, 4\], not \[N, 4\]$/,
  ],
  [
    "a dynamic width",
    model({ ...graph, input: [valueInfo("user", 1, [1, "d"]), posts] }),
    /^input user is \[1, d\], not \[1, 4\]$/,
  ],
  [
    "another rank",
    model({ ...graph, output: [valueInfo("scores", 1, ["N"])] }),
    /^output scores is \[N\], not \[N, 4\]$/,
  ],
  ["a scalar output", model({ ...graph, output: [valueInfo("scores", 1, [])] }), /^output scores is a scalar$/],
  [
    "no shape",
    model({ ...graph, output: [{ name: "scores", type: { tensorType: { elemType: 1 } } }] }),
    /^output scores declares no shape$/,
  ],
  [
    "float16",
    model({ ...graph, input: [user, valueInfo("posts", 10, ["N", 4])] }),
    /^input posts is ONNX element type 10, not float32$/,
  ],
  [
    "int64 for float32",
    model({ ...graph, output: [valueInfo("scores", 7, ["N", 4])] }),
    /^output scores is int64, not float32$/,
  ],
  ["an input missing", model({ ...graph, input: [user] }), /^the graph has no input posts, only user$/],
  [
    "an unexpected input",
    model({ ...graph, input: [...graph.input, valueInfo("x", 1, [1])] }),
    /^the graph has an unexpected input x$/,
  ],
  [
    "another output",
    model({ ...graph, output: [valueInfo("logits", 1, ["N", 4])] }),
    /^the graph has no output scores, only logits$/,
  ],
  ["truncation", model(graph).subarray(0, 40), /truncated or corrupt$/],
  ["nothing in it", new Uint8Array(), /truncated or corrupt$/],
];

for (const [name, bytes, message] of breaches) {
  test(`a graph with ${name} is refused`, () => assert.throws(() => assertContract(bytes, contract), { message }));
}
