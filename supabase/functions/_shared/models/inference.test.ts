import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { GraphBuilder } from "../../../../trainer/artifacts/onnx/graph-builder.ts";
import { float32 } from "../features/tensors.ts";
import { loadRuntime } from "./inference.ts";

/** doubled = 2 x for x [N, 2] */
function doubling(): Uint8Array {
  const g = new GraphBuilder("doubling");
  const x = g.input("x", "float32", ["N", 2]);
  g.output("doubled", g.multiply(x, g.scalar(2)), ["N", 2]);
  return g.build();
}

const platformKey = Symbol.for("onnxruntime");
const globals = globalThis as Record<symbol, unknown>;

test("without the platform's runtime the native one runs a graph", async () => {
  const runtime = await loadRuntime();
  const session = await runtime.createSession(doubling());
  assert.deepEqual([...session.inputNames, ...session.outputNames], ["x", "doubled"]);
  const { doubled } = await session.run({ x: float32(Float32Array.of(1, 2, 3, 4), [2, 2]) });
  assert.deepEqual([...doubled.data], [2, 4, 6, 8]);
  assert.deepEqual([...doubled.dims], [2, 2]);
  await assert.rejects(runtime.createSession(new TextEncoder().encode("no graph")));
});

test("a run on the native one waits for no timer", async () => {
  const session = await (await loadRuntime()).createSession(doubling());
  let hasTurned = false;
  setImmediate(() => {
    hasTurned = true;
  });
  await session.run({ x: float32(Float32Array.of(1, 2), [1, 2]) });
  assert.equal(hasTurned, false);
});

test("the platform's runtime comes first, and gets one argument", async () => {
  const calls: unknown[][] = [];
  const tensors: unknown[][] = [];
  globals[platformKey] = {
    InferenceSession: {
      async create(...args: unknown[]) {
        calls.push(args);
        const run = async (...feeds: unknown[]) => {
          calls.push(feeds);
          return { y: { type: "float32", data: Float32Array.of(7), dims: [1] } };
        };
        return { inputNames: ["x"], outputNames: ["y"], run };
      },
    },
    Tensor: class {
      constructor(...args: unknown[]) {
        tensors.push(args);
      }
    },
  };
  try {
    const runtime = await loadRuntime();
    const onnx = doubling();
    const session = await runtime.createSession(onnx);
    const { y } = await session.run({ x: float32(Float32Array.of(1), [1, 1]) });
    assert.equal(y.data[0], 7);
    assert.deepEqual(calls[0], [onnx]);
    assert.equal(calls[1].length, 1);
    assert.deepEqual(tensors, [["float32", Float32Array.of(1), [1, 1]]]);
  } finally {
    delete globals[platformKey];
  }
});
