import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { createSession } from "./session.ts";
import { floats, integers, model, node, valueInfo } from "./testing.ts";

/** `result = relu(table[ids] · x)`, with one initialiser as raw data and one in typed fields. */
const graph = {
  name: "test",
  initializer: [
    { name: "table", dataType: 1, dims: [3, 2], rawData: new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer) },
    { name: "axes", dataType: 7, dims: [1], int64Data: [2] },
    { name: "scale", dataType: 1, dims: [], floatData: [10] },
  ],
  node: [
    node("Gather", ["table", "ids"], "rows"),
    node("Unsqueeze", ["x", "axes"], "column"),
    node("MatMul", ["rows", "column"], "product"),
    node("Mul", ["product", "scale"], "scaled"),
    node("Relu", ["scaled"], "result"),
  ],
  input: [valueInfo("ids", 7, ["N", 2]), valueInfo("x", 1, ["N", 2])],
  output: [valueInfo("result", 1, ["N", 2, 1])],
};
const bytes = model(graph);
const feeds = { ids: integers([2, 2], 0, 2, 1, 1), x: floats([2, 2], 1, 1, 1, -1) };
const result = floats([2, 2, 1], 30, 110, 0, 0);

test("a session names its inputs and outputs and gives what the graph says", async () => {
  const session = await createSession(bytes);
  assert.deepEqual([session.inputNames, session.outputNames], [["ids", "x"], ["result"]]);
  assert.deepEqual(await session.run(feeds), { result });
});

test("a session runs many times, at once and with other sizes, and leaves its feeds alone", async () => {
  const session = await createSession(bytes);
  const one = { ids: integers([1, 2], 1, 0), x: floats([1, 2], 0, 1) };
  const runs = await Promise.all([session.run(feeds), session.run(one), session.run(feeds)]);
  assert.deepEqual(runs, [{ result }, { result: floats([1, 2, 1], 40, 20) }, { result }]);
  assert.deepEqual(feeds.x, floats([2, 2], 1, 1, 1, -1));
});

test("bytes in the middle of another buffer, as a database driver gives them, are read alike", async () => {
  for (const offset of [1, 2, 3]) {
    const around = Buffer.concat([new Uint8Array(offset), bytes]).subarray(offset);
    assert.deepEqual(await (await createSession(around)).run(feeds), { result });
  }
});

const wrongFeeds: [
  name: string,
  feeds: Parameters<Awaited<ReturnType<typeof createSession>>["run"]>[0],
  message: string,
][] = [
  ["one missing", { ids: feeds.ids }, "input x is missing"],
  ["one too many", { ...feeds, y: feeds.x }, "the graph has no input y, only ids, x"],
  ["the wrong type", { ids: feeds.x, x: feeds.x }, "input ids must be int64, not float32 [2, 2]"],
  [
    "data that is not of its type",
    { ...feeds, x: { ...feeds.x, data: [1, 2, 3, 4] as never } },
    "input x must be float32, not float32 [2, 2]",
  ],
  ["the wrong width", { ...feeds, x: floats([2, 1], 1, 1) }, "input x must be float32 [N, 2], not float32 [2, 1]"],
  ["the wrong rank", { ...feeds, x: floats([2], 1, 1) }, "input x must be float32 [N, 2], not float32 [2]"],
  [
    "two different N",
    { ...feeds, x: floats([1, 2], 1, 1) },
    "input x must be float32 [N, 2], not float32 [1, 2], where N is 2",
  ],
  ["dims that do not fit the data", { ...feeds, x: floats([2, 2], 1) }, "input x has 1 elements for float32 [2, 2]"],
  ["nobody to score", { ids: integers([0, 2]), x: floats([0, 2]) }, "input ids is empty, int64 [0, 2]"],
  [
    "an id outside the table",
    { ...feeds, ids: integers([2, 2], 0, 1, 2, 3) },
    "Gather rows: id 3 is outside a table of 3",
  ],
];

for (const [name, wrong, message] of wrongFeeds) {
  test(`feeds with ${name}: a clear error`, async () =>
    assert.rejects((await createSession(bytes)).run(wrong), { message }));
}

const wrongGraphs: [name: string, graph: Parameters<typeof model>[0], message: RegExp][] = [
  [
    "an unknown operator",
    { ...graph, node: [node("Einsum", ["x"], "result")] },
    /^the executor has no operator Einsum$/,
  ],
  [
    "a foreign operator",
    { ...graph, node: [{ ...node("Relu", ["x"], "result"), domain: "com.microsoft" }] },
    /no operator com.microsoft.Relu$/,
  ],
  [
    "a value from nowhere",
    { ...graph, node: [node("Relu", ["y"], "result")] },
    /^Relu result reads y, which nothing before it gives$/,
  ],
  [
    "nodes out of order",
    { ...graph, node: graph.node.toReversed() },
    /^Relu result reads scaled, which nothing before it gives$/,
  ],
  ["an output from nowhere", { ...graph, node: [] }, /^nothing gives the output result$/],
  [
    "a float16 table",
    { ...graph, initializer: [{ name: "half", dataType: 10, dims: [1], rawData: new Uint8Array(2) }] },
    /^tensor "half" is not float32, int64 or bool \(ONNX element type 10\)$/,
  ],
  [
    "a table of the wrong size",
    { ...graph, initializer: [{ ...graph.initializer[0], dims: [4, 2] }] },
    /^tensor "table" holds 6 elements, not \[4, 2\]$/,
  ],
  [
    "a table in another file",
    { ...graph, initializer: [{ name: "far", dataType: 1, dims: [1], dataLocation: 1 }] },
    /^tensor far is kept outside the file$/,
  ],
];

for (const [name, wrong, message] of wrongGraphs) {
  test(`a graph with ${name}: a clear error`, () => assert.rejects(createSession(model(wrong)), { message }));
}

test("what reads constants alone is worked out once, when the graph is loaded", async () => {
  const picks = [node("Gather", ["table", "first"], "row"), node("Add", ["x", "row"], "result")];
  const first = (row: number) => ({ name: "first", dataType: 7, dims: [1], int64Data: [row] });
  const table = { name: "table", dataType: 1, dims: [2, 1], floatData: [5, 7] };
  const folded = (row: number) =>
    model({
      name: "folded",
      node: picks,
      initializer: [table, first(row)],
      input: [valueInfo("x", 1, [1, 1])],
      output: [valueInfo("result", 1, [1, 1])],
    });
  const session = await createSession(folded(1));
  for (const x of [1, 2]) assert.deepEqual((await session.run({ x: floats([1, 1], x) })).result, floats([1, 1], x + 7));
  await assert.rejects(createSession(folded(2)), { message: "Gather row: id 2 is outside a table of 2" });
});

test("opsets in which the operators mean something else are refused", async () => {
  for (const opset of [12, 19]) {
    await assert.rejects(createSession(model(graph, opset)), {
      message: `the executor runs opset 13 to 18, not ${opset}`,
    });
  }
});

test("a file cut anywhere is refused", async () => {
  for (let length = 0; length < bytes.length; length++) {
    const cut = createSession(bytes.subarray(0, length));
    await assert.rejects(cut, { message: /truncated or corrupt/ }, `cut at ${length}`);
  }
});

test("garbage is refused in one line, whatever it is", async () => {
  const random = xoroshiro128plus(7);
  for (let round = 0; round < 3000; round++) {
    const broken = round % 3 === 0 ? Uint8Array.from({ length: 64 }, () => uniformInt(random, 0, 255)) : bytes.slice();
    for (let flips = 0; flips <= round % 4; flips++) {
      broken[uniformInt(random, 0, broken.length - 1)] = uniformInt(random, 0, 255);
    }
    try {
      // A flipped weight is still a model: then it must answer, or refuse the feeds.
      await (await createSession(broken)).run(feeds);
    } catch (error) {
      assert.equal((error as Error).constructor, Error, `${(error as Error).stack}`);
      assert.doesNotMatch((error as Error).message, /\n/);
    }
  }
});
