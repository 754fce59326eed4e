import assert from "node:assert/strict";
import { after, test } from "node:test";
import { randomDlrm, randomTower } from "./random-models.ts";
import { executor, onnxRuntime } from "./runtimes.ts";
import { assertClose } from "./testing.ts";

const natives = [onnxRuntime("onnxruntime-node"), onnxRuntime("onnxruntime-node-1.20.1")];
after(() => {
  for (const runtime of natives) runtime.close();
});

for (const [name, create] of Object.entries({ tower: randomTower, DLRM: randomDlrm })) {
  for (const count of [1, 3, 500]) {
    test(`a random ${name} gives the same on the executor and two versions of ONNX Runtime, N = ${count}`, async () => {
      const model = create(count);
      const feeds = model.feeds(count);
      const ours = (await (await executor.load(model.bytes))(feeds))[model.output];
      assert.equal(ours.dims[0], count);
      // Both models spread their outputs: a graph that ignored its inputs would agree with itself too.
      assert.ok(count === 1 || ours.data[0] !== ours.data[ours.dims[1]], "rows differ");
      for (const runtime of natives) {
        const theirs = (await (await runtime.load(model.bytes))(feeds))[model.output];
        assert.deepEqual(theirs.dims, ours.dims);
        assertClose(ours.data, theirs.data, 1e-5, runtime.name);
      }
    });
  }
}

test("a runtime that is not installed, or is given no graph, says so", async () => {
  await assert.rejects(natives[1].load(Uint8Array.of(1, 2, 3)), /onnxruntime-node-1.20.1: /);
  const missing = onnxRuntime("onnxruntime-node-0");
  after(missing.close);
  await assert.rejects(missing.load(randomDlrm(1).bytes), /onnxruntime-node-0: Cannot find package/);
});
