import assert from "node:assert/strict";
import { test } from "node:test";
import { graphNames } from "../../supabase/functions/_shared/models/contracts.ts";
import { GraphBuilder } from "../../trainer/artifacts/onnx/graph-builder.ts";
import { assertClose } from "./assert-close.ts";
import { platformRuntime } from "./platform-runtime.ts";
import { randomModel } from "./random-models.ts";
import { bothRuntimes } from "./runtimes.ts";

const runtimes = await bothRuntimes();

for (const name of graphNames) {
  for (const seed of [1, 2, 3]) {
    test(`a random ${name} gives the same on onnxruntime-node and the platform's runtime, seed ${seed}`, async () => {
      const model = randomModel(name, seed);
      const [ours, platforms] = await Promise.all(runtimes.map((runtime) => runtime.createSession(model.bytes)));
      for (const count of [1, 3, 500]) {
        const feeds = model.feeds(count);
        const [our, their] = [(await ours.run(feeds))[model.output], (await platforms.run(feeds))[model.output]];
        assert.equal(our.dims[0], count);
        // a graph that ignored its inputs would agree with itself too
        assert.ok(count === 1 || our.data[0] !== our.data[our.dims[1]], "rows differ");
        assert.deepEqual(their.dims, our.dims);
        assertClose(our.data, their.data, 1e-5, `N = ${count}`);
      }
    });
  }
}

test("a runtime that is given no graph says so", async () => {
  for (const { createSession } of runtimes) await assert.rejects(createSession(Uint8Array.of(1, 2, 3)), /protobuf/);
});

test("the platform's stand-in refuses what the platform misreads or dies of, and gives nothing for no rows", async () => {
  const { InferenceSession, Tensor } = await platformRuntime();
  const g = new GraphBuilder("sums");
  const x = g.input("x", "float32", ["N", 2]);
  g.output("sums", g.sum(x, [1]), ["N"]);
  const onnx = g.build();
  await assert.rejects(InferenceSession.create(onnx, {}), { message: "a session of 2 arguments, not 1" });
  await assert.rejects(InferenceSession.create("sums.onnx"), { message: "a session of something else than bytes" });
  assert.throws(() => new Tensor("float32", Float32Array.of(1)), { message: "a tensor of 2 arguments, not 3" });
  assert.throws(() => new Tensor("float16", new Uint16Array(1), [1]), { message: /refuses or misreads float16/ });
  assert.throws(() => new Tensor("int64", Int32Array.of(1), [1]), { message: /that are no BigInt64Array/ });
  const session = await InferenceSession.create(onnx);
  const rows = (...numbers: number[]) => new Tensor("float32", Float32Array.from(numbers), [numbers.length / 2, 2]);
  assert.deepEqual(await session.run({ x: rows() }), {});
  await assert.rejects(session.run({ x: rows(1, 2) }, {}), { message: "a run of 2 arguments, not 1" });
  await assert.rejects(session.run({ x: { type: "float32" } }), { message: "input x is no tensor of the platform" });
  const { sums } = await session.run({ x: rows(1, 2, 3, 4) });
  assert.deepEqual([sums.type, [...sums.data], sums.dims], ["float32", [3, 7], [2]]);
});
