/**
 * The same feed from the platform's ONNX runtime, played over the release that it is built from, and from the executor.
 * The current onnxruntime-node cannot be loaded beside another release; recommend.test.ts checks its scores by hand.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, publishTinyModel } from "../../../serve/testing.ts";
import { platformKey, platformRuntime } from "../../../trainer/onnx/platform-runtime.ts";
import type { RuntimeName } from "../_shared/models/inference.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "runtimes");
const globals = globalThis as Record<symbol, unknown>;

before(async () => {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  globals[platformKey] = await platformRuntime();
});
after(() => {
  delete globals[platformKey];
});

test("the platform's runtime and the executor agree within 1e-5", async (t) => {
  const feedBy = async (runtime: RuntimeName) =>
    (await testApp(t, url, { runtime }).call(people.ada, { limit: 100 })).body;
  const expected = await feedBy("platform");
  assert.equal(expected.items.length, 28);
  const { basis, items } = await feedBy("executor");
  assert.equal(basis, "history");
  assert.deepEqual(
    items.map((item) => item.post_id),
    expected.items.map((item) => item.post_id),
  );
  for (const [i, item] of items.entries())
    for (const head of ["view", "vote", "comment"] as const) {
      const [got, wanted] = [item.predictions?.[head], expected.items[i].predictions?.[head]];
      assert.ok(Math.abs(Number(got) - Number(wanted)) < 1e-5, `${head}: ${got}, not ${wanted}`);
    }
});
