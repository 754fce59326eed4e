/** What happens to a request while it is worked: others file, weigh, take over and publish meanwhile, and the database goes away. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { connect } from "../../../db/connect.ts";
import { testDatabase, withoutPostgres } from "../../../db/testing.ts";
import { severableWire } from "../../../serve/testing-wire.ts";
import { fillSmallCommunity, temporaryFolder } from "../../testing.ts";
import { quickConfig } from "../config/testing.ts";
import { activeMetrics, fileRequest, once, passHours, requestRow, vote, type Worker, work } from "./testing.ts";
import { type Claim, claimRequest } from "./training-queue.ts";
import { processTrainingRequest } from "./work-request.ts";

const noPostgres = await withoutPostgres();

const database = await testDatabase({ after }, "work_request_full");
const { pool } = database;
const worker: Worker = { database, folder: await temporaryFolder({ after }), config: quickConfig, lines: [] };

before(async () => {
  await fillSmallCommunity(database);
  // people act at random here, so a model may well be worse than the recency baseline: what the gate refuses is its own tests' matter
  await pool.query("update recsys.settings set gate_margin = 1");
  assert.equal((await work(worker)).ending, "done");
});
beforeEach(() => {
  worker.lines = [];
});

test("a request that is filed during a training is worked after it, on what was new by then", async () => {
  await passHours(pool, 3);
  await vote(pool, 20, 70);
  let filed = 0;
  const { onProgress, done } = once("embedding posts", async () => {
    filed = await fileRequest(pool);
  });
  const { request } = await work(worker, { onProgress });
  await done();
  assert.ok(filed > request);
  const claim = await claimRequest(database);
  assert.equal(claim?.request, filed);
  const print = () => {};
  await processTrainingRequest(
    { database, onProgress: () => {}, signal: new AbortController().signal, print },
    claim,
    worker.folder,
    worker.config,
  );
  assert.equal((await requestRow(pool, filed)).new_interactions, 0);
});

test("where a kind weighs something else than it did for the model, training begins from scratch, though nothing is new", async () => {
  assert.equal((await work(worker)).model_id, null, "nothing is new");
  await pool.query("update recsys.kinds set weight = 5 where kind = 'comment'");
  const { ratio, ending } = await work(worker);
  assert.deepEqual([ending, ratio], ["done", 1]);
  assert.match(worker.lines.join(), /from scratch: recsys\.kinds is not what it was for model model-/);
  assert.equal((await work(worker)).model_id, null, "and once");
  await pool.query("update recsys.kinds set weight = 1 where kind = 'comment'");
  assert.equal((await work(worker)).ratio, 1);
});

test("who has lost the lease publishes nothing", async () => {
  await passHours(pool, 3);
  await vote(pool, 20, 70);
  const before = await activeMetrics(pool);
  let other: Claim | undefined;
  const { onProgress, done } = once("ranking examples", async () => {
    await pool.query("update recsys_engine.training_requests set claimed_until = now() where status = 'running'");
    other = await claimRequest(database);
  });
  const lost = await work(worker, { onProgress });
  await done();
  assert.equal(lost.ending, "lost");
  assert.match(String(worker.lines.at(-1)), /another worker has taken it over/);
  assert.deepEqual(await activeMetrics(pool), before);
  assert.deepEqual([lost.status, lost.attempts], ["running", 2], "it is the other one's");
  const context = { database, onProgress: () => {}, signal: new AbortController().signal, print: () => {} };
  assert.equal(await processTrainingRequest(context, other as Claim, worker.folder, worker.config), "done");
});

test("while another publish runs it waits for it", { skip: noPostgres }, async () => {
  await passHours(pool, 3);
  await vote(pool, 20, 70);
  const client = await pool.connect();
  await client.query("begin");
  await client.query("select recsys_engine.take_lock('publish')");
  const training = work(worker);
  while (!worker.lines.some((line) => line.startsWith("waiting: another publish is running"))) await setTimeout(50);
  await client.query("commit");
  client.release();
  assert.equal((await training).ending, "done");
});

for (const [step, published] of [
  ["ranking examples", "not begun"],
  ["embedding users", "in work"],
])
  test(`a database that is gone while ${step} (publishing ${published}) and comes back costs no training`, {
    skip: noPostgres,
  }, async (t) => {
    await passHours(pool, 3);
    await vote(pool, 20, 70);
    const wire = await severableWire(database.url);
    const distant = await connect(wire.url, { embedded: false });
    t.after(() => distant.close());
    const { onProgress, done } = once(step, () => wire.sever());
    const training = work(worker, { onProgress, url: distant });
    while (!worker.lines.some((line) => line.startsWith("waiting: "))) await setTimeout(50);
    await done();
    await wire.restore();
    const { ending, attempts, new_interactions } = await training;
    t.after(() => wire.sever());
    assert.deepEqual([ending, attempts, new_interactions], ["done", 1, 20]);
  });
