/** `recsys health`. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../db/testing.ts";
import { fillCommunity, publishTinyModel } from "../../testing/community.ts";
import { recsys } from "../testing.ts";

const { pool, url } = await testDatabase({ after }, "health_command");
const health = () => recsys(["health", "--database", url]);

test("what is out of bounds comes first with its cure, and is the exit code", async () => {
  const empty = await health();
  assert.deepEqual([empty.status, empty.stderr], [1, ""]);
  assert.match(
    empty.stdout,
    /^OUT OF BOUNDS {2}model is 0, and should be at least 1\n {2}None is active\.\n {2}What to do: npx --no-install recsys train, then npx --no-install recsys publish\n\nok {2}/,
  );
  assert.match(
    empty.stdout,
    /\n1 of 5 are out of bounds\. Bounds and their reasons: select \* from recsys\.health_bounds\n$/,
  );

  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("truncate recsys_engine.embedding_jobs, recsys_engine.feature_changes");
  const well = await health();
  assert.deepEqual([well.status, well.stderr], [0, ""]);
  assert.match(well.stdout, /^ok {2}model +1 {2}at least 1 +tiny serves since /m);
  assert.match(well.stdout, /\nAll is within its bounds\.\n$/);
  assert.doesNotMatch(well.stdout, /null|undefined|NaN/);
});
