/** The same feed from onnxruntime-node and from the platform's ONNX runtime, played over the release that it is built from; and a feed where there is neither. */
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
import { bothRuntimes } from "../../../testing/onnx/runtimes.ts";
import { temporaryFolder } from "../../../trainer/testing.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "runtimes");
const runtimes = await bothRuntimes();

before(async () => {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
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
  // from a folder without packages around it
  const folder = await temporaryFolder(t);
  for (const file of ["inference.ts", "token-rows.ts"])
    await copyFile(new URL(`../_shared/models/${file}`, import.meta.url), join(folder, file));
  const { loadRuntime } = await import(join(folder, "inference.ts"));
  const app = testApp(t, url, { runtime: loadRuntime });
  const { status, body } = await app.call(people.ada, { limit: 10 });
  assert.deepEqual([status, body.degraded, body.items.length], [200, "community", 10]);
  const why = "there is no ONNX Runtime: this host has none built in, and onnxruntime-node cannot be loaded";
  assert.deepEqual(
    app.logged.map(({ code, cause }) => [code, ((cause as Error).cause as Error).message]),
    [["internal", why]],
  );
});
