/** The same feed from onnxruntime-node and from the platform's ONNX runtime, played over the release that it is built from; and a feed where there is neither. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
import { bothRuntimes } from "../../../testing/onnx/runtimes.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "runtimes");
const runtimes = bothRuntimes();

before(async () => {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
});
after(() => {
  for (const runtime of runtimes) runtime.close();
});

test("the platform's runtime and onnxruntime-node agree within 1e-5", async (t) => {
  const [native, platform] = await Promise.all(
    runtimes.map((runtime) => testApp(t, url, { runtime: async () => runtime }).call(people.ada, { limit: 100 })),
  );
  const { basis, items } = native.body;
  assert.deepEqual([basis, items.length], ["history", 28]);
  assert.deepEqual(
    items.map((item) => item.post_id),
    platform.body.items.map((item) => item.post_id),
  );
  for (const [i, item] of items.entries())
    for (const head of ["view", "vote", "comment"] as const) {
      const [got, wanted] = [item.predictions?.[head], platform.body.items[i].predictions?.[head]];
      assert.ok(Math.abs(Number(got) - Number(wanted)) < 1e-5, `${head}: ${got}, not ${wanted}`);
    }
});

test("without an ONNX runtime there is a feed of what is fresh and popular, and the log says why", async (t) => {
  const runtime = async () => {
    throw new Error("there is no ONNX Runtime");
  };
  const app = testApp(t, url, { runtime });
  const { status, body } = await app.call(people.ada, { limit: 10 });
  assert.deepEqual([status, body.degraded, body.items.length], [200, "community", 10]);
  assert.deepEqual(
    app.logged.map(({ code, cause }) => [code, String((cause as Error).cause ?? cause)]),
    [["internal", "Error: there is no ONNX Runtime"]],
  );
});
