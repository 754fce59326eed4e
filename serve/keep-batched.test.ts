import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { testDatabase } from "../db/testing.ts";
import { fillCommunity, people, publishTinyModel } from "../testing/community.ts";
import type { BatchResult } from "../trainer/batch/run-batch.ts";
import { runBatchLoop } from "./background-loops.ts";

const database = await testDatabase({ after }, "keep_batched");
const { pool } = database;

test("a run that pg_cron began is worked, and without one nothing is done", async (t) => {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  const runs: BatchResult[] = [];
  const stop = runBatchLoop(database, { every: 50, onDone: (run) => runs.push(run) });
  t.after(stop);
  await setTimeout(500);
  assert.equal(runs.length, 0);
  await pool.query("select recsys_engine.begin_batch_run()");
  for (const end = Date.now() + 30_000; runs.length === 0; await setTimeout(20)) assert.ok(Date.now() < end);
  assert.deepEqual([runs[0].done, runs[0].run.users], [1, 1]);
  const { rows } = await pool.query("select user_id from recsys.batch_recommendations");
  assert.deepEqual(rows, [{ user_id: people.ada }]);
  await setTimeout(300);
  assert.equal(runs.length, 1, "once");
});
