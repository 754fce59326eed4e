import assert from "node:assert/strict";
import { test } from "node:test";
import { float32, int64, type Tensor } from "../../../supabase/functions/_shared/features/tensors.ts";
import { assertClose } from "../../../testing/onnx/assert-close.ts";
import { bothRuntimes } from "../../../testing/onnx/runtimes.ts";
import { GraphBuilder } from "./graph-builder.ts";

const runtimes = await bothRuntimes();

const f = (dims: number[], ...values: number[]): Tensor => float32(Float32Array.from(values), dims);
const i = (dims: number[], ...values: number[]): Tensor => int64(values, dims);

interface Case {
  x: Tensor;
  y?: Tensor;
  build: (g: GraphBuilder, x: string, y: string) => string;
  expected: Tensor;
}

const ln2 = Math.LN2;
const e = Math.E;

/** Expected values are worked out by hand, so that both runtimes cannot be wrong in the same way. */
const cases: Record<string, Case> = {
  add: { x: f([2], 1, 2), y: f([2], 3, 5), build: (g, x, y) => g.add(x, y), expected: f([2], 4, 7) },
  "add int64": { x: i([2], 1, 2), y: i([2], 3, 5), build: (g, x, y) => g.add(x, y), expected: i([2], 4, 7) },
  "add a row and a column": {
    x: f([1, 3], 1, 2, 3),
    y: f([2, 1], 10, 20),
    build: (g, x, y) => g.add(x, y),
    expected: f([2, 3], 11, 12, 13, 21, 22, 23),
  },
  "add a vector to a matrix": {
    x: f([2], 1, 2),
    y: f([2, 2], 10, 20, 30, 40),
    build: (g, x, y) => g.add(x, y),
    expected: f([2, 2], 11, 22, 31, 42),
  },
  subtract: { x: f([2], 1, 2), y: f([2], 3, 5), build: (g, x, y) => g.subtract(x, y), expected: f([2], -2, -3) },
  multiply: { x: f([2], 2, 3), y: f([1], 4), build: (g, x, y) => g.multiply(x, y), expected: f([2], 8, 12) },
  divide: {
    x: f([2, 2], 2, 4, 9, 3),
    y: f([2, 1], 2, 3),
    build: (g, x, y) => g.divide(x, y),
    expected: f([2, 2], 1, 2, 3, 1),
  },
  "divide int64 towards zero": {
    x: i([3], 7, -7, 6),
    y: i([1], 2),
    build: (g, x, y) => g.divide(x, y),
    expected: i([3], 3, -3, 3),
  },
  relu: { x: f([3], -1, 0, 2), build: (g, x) => g.relu(x), expected: f([3], 0, 0, 2) },
  sigmoid: { x: f([3], 0, Math.log(3), -100), build: (g, x) => g.sigmoid(x), expected: f([3], 0.5, 0.75, 0) },
  exp: { x: f([2], 0, 1), build: (g, x) => g.exp(x), expected: f([2], 1, e) },
  log: { x: f([2], 1, 2), build: (g, x) => g.log(x), expected: f([2], 0, ln2) },
  sqrt: { x: f([2], 4, 9), build: (g, x) => g.sqrt(x), expected: f([2], 2, 3) },
  clip: { x: f([3], -9, 1, 9), build: (g, x) => g.clip(x, -5, 5), expected: f([3], -5, 1, 5) },
  "cast to int64": { x: f([2], 1.7, -1.7), build: (g, x) => g.cast(x, "int64"), expected: i([2], 1, -1) },
  logSoftmax: {
    x: f([2, 2], 0, Math.log(3), -200, 0),
    build: (g, x) => g.logSoftmax(x),
    expected: f([2, 2], Math.log(0.25), Math.log(0.75), -200, 0),
  },
  "logSoftmax down the columns": {
    x: f([2, 2], 0, 7, Math.log(3), 7),
    build: (g, x) => g.logSoftmax(x, 0),
    expected: f([2, 2], Math.log(0.25), Math.log(0.5), Math.log(0.75), Math.log(0.5)),
  },
  dots: {
    x: f([2, 2], 1, 2, 3, 4),
    y: f([3, 2], 1, 0, 0, 1, 1, 1),
    build: (g, x, y) => g.dots(x, y),
    expected: f([2, 3], 1, 2, 3, 3, 4, 7),
  },
  pick: {
    x: f([2, 3], 1, 2, 3, 4, 5, 6),
    y: i([2, 2], 2, 0, -1, 1),
    build: (g, x, y) => g.pick(x, y),
    expected: f([2, 2], 3, 1, 6, 5),
  },
  matMul: {
    x: f([1, 2], 1, 2),
    y: f([2, 3], 1, 2, 3, 4, 5, 6),
    build: (g, x, y) => g.matMul(x, y),
    expected: f([1, 3], 9, 12, 15),
  },
  "matMul in batches": {
    x: f([2, 1, 2], 1, 2, 3, 4),
    y: f([2, 2, 1], 1, 1, 2, 3),
    build: (g, x, y) => g.matMul(x, y),
    expected: f([2, 1, 1], 3, 18),
  },
  "matMul of one matrix by many": {
    x: f([1, 2], 1, 2),
    y: f([2, 2, 1], 1, 1, 2, 3),
    build: (g, x, y) => g.matMul(x, y),
    expected: f([2, 1, 1], 3, 8),
  },
  "matMul of many by one matrix": {
    x: f([2, 1, 2], 1, 2, 3, 4),
    y: f([2, 2], 1, 0, 1, 1),
    build: (g, x, y) => g.matMul(x, y),
    expected: f([2, 1, 2], 3, 2, 7, 4),
  },
  "matMul of five rows and three columns, which no block divides": {
    x: f([5, 1], 1, 2, 3, 4, 5),
    y: f([1, 3], 1, 10, 100),
    build: (g, x, y) => g.matMul(x, y),
    expected: f([5, 3], 1, 10, 100, 2, 20, 200, 3, 30, 300, 4, 40, 400, 5, 50, 500),
  },
  gemm: {
    x: f([2, 2], 1, 2, 3, 4),
    build: (g, x) => g.gemm(x, g.weights(Float32Array.of(1, 1), [2, 1]), g.weights(Float32Array.of(0.5), [1])),
    expected: f([2, 1], 3.5, 7.5),
  },
  gather: {
    x: f([3, 2], 1, 2, 3, 4, 5, 6),
    y: i([2, 1], 2, 0),
    build: (g, x, y) => g.gather(x, y),
    expected: f([2, 1, 2], 5, 6, 1, 2),
  },
  "gather along the last axis, from the back": {
    x: f([2, 3], 1, 2, 3, 4, 5, 6),
    y: i([2], -1, 0),
    build: (g, x, y) => g.gather(x, y, 1),
    expected: f([2, 2], 3, 1, 6, 4),
  },
  concat: {
    x: f([2, 1], 1, 2),
    y: f([2, 2], 3, 4, 5, 6),
    build: (g, x, y) => g.concat([x, y, x], -1),
    expected: f([2, 4], 1, 3, 4, 1, 2, 5, 6, 2),
  },
  slice: {
    x: i([2, 4], 1, 2, 3, 4, 5, 6, 7, 8),
    build: (g, x) => g.slice(x, 1, 1, 3),
    expected: i([2, 2], 2, 3, 6, 7),
  },
  reshape: {
    x: f([2, 3], 1, 2, 3, 4, 5, 6),
    build: (g, x) => g.reshape(g.reshape(x, [-1, 2]), [1, 3, -1]),
    expected: f([1, 3, 2], 1, 2, 3, 4, 5, 6),
  },
  "unsqueeze, squeeze": {
    x: f([2, 1], 1, 2),
    build: (g, x) => g.squeeze(g.unsqueeze(x, [0, -1]), [2]),
    expected: f([1, 2, 1], 1, 2),
  },
  "sum of rows": { x: f([2, 2], 1, 2, 3, 4), build: (g, x) => g.sum(x, [1]), expected: f([2], 3, 7) },
  "sum of columns, axis kept": {
    x: f([2, 2], 1, 2, 3, 4),
    build: (g, x) => g.sum(x, [0], true),
    expected: f([1, 2], 4, 6),
  },
};

for (const [name, { x, y, build, expected }] of Object.entries(cases)) {
  test(`${name}: both runtimes give what it gives by hand`, async () => {
    const g = new GraphBuilder("test");
    const xName = g.input("x", x.type, x.dims);
    const yName = y ? g.input("y", y.type, y.dims) : "";
    g.output("result", build(g, xName, yName), expected.dims);
    const bytes = g.build();
    for (const runtime of runtimes) {
      const { run } = await runtime.createSession(bytes);
      const { result } = await run({ x, ...(y && { y }) });
      assert.deepEqual([result.type, result.dims], [expected.type, expected.dims], runtime.name);
      assertClose(result.data, expected.data, 1e-6, runtime.name);
    }
  });
}
