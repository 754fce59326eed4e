import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { testDatabase } from "../../../db/testing.ts";
import { Lease, LeaseLost } from "./lease.ts";
import { fileRequest } from "./testing.ts";
import { type Claim, claimRequest } from "./training-queue.ts";

const database = await testDatabase({ after }, "lease");
const { pool } = database;
beforeEach(() => pool.query("truncate recsys_engine.training_requests"));

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await isTrue()); i++) {
    assert.ok(i < 500);
    await setTimeout(10);
  }
}

const silentFor = async () =>
  (
    await pool.query(
      "select extract(epoch from now() - heartbeat_at)::float8 as s, step from recsys_engine.training_requests",
    )
  ).rows[0];

test("while a training runs it is heard of every 20 seconds, with its step; no longer when it has ended", async (t) => {
  await fileRequest(pool);
  const claim = (await claimRequest(database)) as Claim;
  t.mock.timers.enable({ apis: ["setInterval"] });
  const context = { database, onProgress: () => {}, signal: new AbortController().signal, print: () => {} };
  const lease = new Lease(context, claim);
  lease.onProgress({ step: "DLRM training", done: 1 });
  const quiet = () =>
    pool.query("update recsys_engine.training_requests set heartbeat_at = now() - interval '4 minutes'");
  await quiet();
  t.mock.timers.tick(20_000);
  await until(async () => (await silentFor()).s < 60);
  assert.equal((await silentFor()).step, "DLRM training");
  lease.stop();
  await quiet();
  t.mock.timers.tick(100_000);
  await setTimeout(200);
  assert.ok((await silentFor()).s > 200);
});

test("a heartbeat that finds the request in other hands ends the training", async (t) => {
  await fileRequest(pool);
  const claim = (await claimRequest(database)) as Claim;
  t.mock.timers.enable({ apis: ["setInterval"] });
  const context = { database, onProgress: () => {}, signal: new AbortController().signal, print: () => {} };
  const lease = new Lease(context, claim);
  t.after(() => lease.stop());
  await pool.query("update recsys_engine.training_requests set claimed_until = now()");
  assert.ok(await claimRequest(database));
  t.mock.timers.tick(20_000);
  await until(async () => lease.signal.aborted);
  assert.ok(lease.signal.reason instanceof LeaseLost);
  await assert.rejects(lease.renew(), LeaseLost);
});
