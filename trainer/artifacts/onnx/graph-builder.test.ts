import assert from "node:assert/strict";
import { test } from "node:test";
import { float32, int64, type Tensor } from "../../../supabase/functions/_shared/features/tensors.ts";
import { assertClose } from "../../../testing/onnx/assert-close.ts";
import { bothRuntimes } from "../../../testing/onnx/runtimes.ts";
import { GraphBuilder } from "./graph-builder.ts";

const runtimes = await bothRuntimes();

const f = (dims: number[], ...values: number[]): Tensor => float32(Float32Array.from(values), dims);
const i = (dims: number[], ...values: number[]): Tensor => int64(values, dims);

/** Runs a graph that `build` writes everywhere, with the first dim dynamic, and compares the result with `expected`. */
async function gives(feeds: Record<string, Tensor>, build: (g: GraphBuilder) => string, expected: Tensor) {
  const g = new GraphBuilder("test");
  for (const [name, { type, dims }] of Object.entries(feeds)) g.input(name, type, ["N", ...dims.slice(1)]);
  g.output("result", build(g), ["N", ...expected.dims.slice(1)]);
  const bytes = g.build();
  for (const runtime of runtimes) {
    const { result } = await (await runtime.createSession(bytes)).run(feeds);
    assert.deepEqual([result.type, result.dims], [expected.type, expected.dims], runtime.name);
    assertClose(result.data, expected.data, 1e-6, runtime.name);
  }
}

test("a dense layer multiplies by its weights and adds its bias", async () => {
  const weights = Float32Array.of(1, 2, 3, 4, 5, 6);
  const bias = Float32Array.of(10, 20, 30);
  await gives({ x: f([2, 2], 1, 2, 0, 1) }, (g) => g.dense("x", weights, bias), f([2, 3], 19, 32, 45, 14, 25, 36));
});

const table = (g: GraphBuilder) => g.weights(Float32Array.of(0, 0, 1, 10, 2, 20, 3, 30), [4, 2], "table");

test("an embedding bag sums the rows by their weights", async () => {
  const feeds = { ids: i([2, 3], 1, 2, 0, 3, 3, 1), weights: f([2, 3], 0.5, 1, 7, 1, 1, 0) };
  await gives(feeds, (g) => g.embeddingBag(table(g), "ids", "weights"), f([2, 2], 2.5, 25, 6, 60));
});

test("field bags give one bag for each field, side by side", async () => {
  const feeds = { ids: i([1, 3], 1, 2, 3), weights: f([1, 3], 1, 1, 2) };
  await gives(feeds, (g) => g.fieldBags(table(g), "ids", "weights", [1, 2]), f([1, 4], 1, 10, 8, 80));
});

test("normalising gives unit length, and zeros for a row of zeros", async () => {
  await gives({ x: f([2, 2], 3, 4, 0, 0) }, (g) => g.l2Normalise("x"), f([2, 2], 0.6, 0.8, 0, 0));
});

test("standardising centres, scales and clips at five deviations", async () => {
  const mean = Float32Array.of(1, 10);
  const deviation = Float32Array.of(2, 1);
  const x = f([2, 2], 3, 10.5, -99, 99);
  await gives({ x }, (g) => g.standardise("x", g.standardisation(mean, deviation)), f([2, 2], 1, 0.5, -5, 5));
});

test("mistakes show where the graph is written", () => {
  const g = new GraphBuilder("ranker");
  g.input("x", "float32", ["N", 2]);
  g.input("ids", "int64", ["N", 2]);
  const two = Float32Array.of(1, 1);
  const mistakes: [() => unknown, RegExp][] = [
    [() => g.input("x", "float32", [1]), /graph ranker: two values are called x/],
    [() => g.relu("y"), /there is no value y/],
    [() => g.weights(Float32Array.of(1, Number.NaN), [2], "w"), /w holds NaN at 1; the training has diverged/],
    [() => g.weights(two, [3], "w"), /w has 2 numbers, not \[3\]/],
    [() => g.standardisation(two, Float32Array.of(1, 0)), /column 1 has the deviation 0; use 1/],
    [() => g.dots("x", g.weights(two, [1, 2], "a vector")) && g.dots("x", "w3"), /there is no value w3/],
    [() => g.build(), /graph ranker: it has no output/],
  ];
  for (const [mistake, message] of mistakes) assert.throws(mistake, message);
  g.output("result", g.relu("x"), ["N", 2]);
  assert.throws(() => g.build(), /nothing reads the input ids/);
});

test("a shape that does not fit shows where the graph is loaded, with the node", async () => {
  const mistakes: [(g: GraphBuilder) => string, RegExp][] = [
    [(g) => g.add("x", g.weights(new Float32Array(3), [3])), /Add_0/],
    [(g) => g.matMul("x", g.weights(new Float32Array(3), [3, 1])), /MatMul_0/],
    [(g) => g.squeeze("x", [1]), /Squeeze_0/],
  ];
  for (const [build, node] of mistakes) {
    const g = new GraphBuilder("test");
    g.input("x", "float32", ["N", 2]);
    g.output("result", build(g), ["N", 2]);
    await assert.rejects(async () => await runtimes[0].createSession(g.build()), node);
  }
});

test("the same calls give the same bytes, in a plain Uint8Array", () => {
  const build = () => {
    const g = new GraphBuilder("test");
    g.output("result", g.l2Normalise(g.input("x", "float32", ["N", 2])), ["N", 2]);
    return g.build();
  };
  assert.equal(build().constructor, Uint8Array);
  assert.deepEqual(build(), build());
});
