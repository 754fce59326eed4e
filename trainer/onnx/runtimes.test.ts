import assert from "node:assert/strict";
import { after, test } from "node:test";
import { graphNames } from "../../supabase/functions/_shared/models/contracts.ts";
import { randomModel } from "./random-models.ts";
import { executor, onnxRuntime } from "./runtimes.ts";
import { assertClose } from "./testing.ts";

const natives = [onnxRuntime("onnxruntime-node"), onnxRuntime("onnxruntime-node-1.20.1")];
after(() => {
  for (const runtime of natives) runtime.close();
});

for (const name of graphNames) {
  for (const seed of [1, 2, 3]) {
    test(`a random ${name} gives the same on the executor and two versions of ONNX Runtime, seed ${seed}`, async () => {
      const model = randomModel(name, seed);
      const runs = await Promise.all([executor, ...natives].map((runtime) => runtime.load(model.bytes)));
      for (const count of [1, 3, 500]) {
        const feeds = model.feeds(count);
        const [ours, ...theirs] = await Promise.all(runs.map(async (run) => (await run(feeds))[model.output]));
        assert.equal(ours.dims[0], count);
        // a graph that ignored its inputs would agree with itself too
        assert.ok(count === 1 || ours.data[0] !== ours.data[ours.dims[1]], "rows differ");
        for (const [i, their] of theirs.entries()) {
          assert.deepEqual(their.dims, ours.dims);
          assertClose(ours.data, their.data, 1e-5, `${natives[i].name}, N = ${count}`);
        }
      }
    });
  }
}

test("a runtime that is not installed, or is given no graph, says so", async () => {
  await assert.rejects(natives[1].load(Uint8Array.of(1, 2, 3)), /onnxruntime-node-1.20.1: /);
  const missing = onnxRuntime("onnxruntime-node-0");
  after(missing.close);
  await assert.rejects(missing.load(randomModel("dlrm", 1).bytes), /onnxruntime-node-0: Cannot find package/);
});
