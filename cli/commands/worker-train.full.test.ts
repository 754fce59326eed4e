/** `recsys worker --train` as a process: ended in every stage, told to end, two of them, and as a scheduled job calls it. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { testDatabase, withOneSession, withoutPostgres } from "../../db/testing.ts";
import { fillSmallCommunity, temporaryFolder } from "../../trainer/testing.ts";
import { fileRequest, requestRow } from "../../trainer/training/queue/testing.ts";
import { recsys } from "../testing.ts";

const noPostgres = await withoutPostgres();

const database = await testDatabase({ after }, "worker_train");
const { pool } = database;
// where the stages of all workers are kept
const cwd = await temporaryFolder({ after });
const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));
const trainOnce = ["worker", "--train", "--once"];
before(() => fillSmallCommunity(database));

interface Worker {
  child: ChildProcess;
  output: { stdout: string; stderr: string };
  /** Names of the steps that are finished. */
  steps(): string[];
  ended: Promise<unknown[]>;
}

function startWorker(onStep = (_: Worker) => {}): Worker {
  const child = spawn(process.execPath, [cli, ...trainOnce, "--database", database.url], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  const steps = () => [...output.stderr.matchAll(/^(\S.*?) {2,}[\d.]+ s/gm)].map(([, step]) => step);
  const worker = { child, output, steps, ended: once(child, "exit") };
  child.stdout?.on("data", (text) => {
    output.stdout += text;
  });
  child.stderr?.on("data", (text) => {
    output.stderr += text;
    onStep(worker);
  });
  return worker;
}

/** Starts a worker and ends it as soon as a step is finished; the steps that it did. */
async function endedAfter(step: string, signal: "SIGKILL" | "SIGINT"): Promise<Worker> {
  let isTold = false;
  const worker = startWorker(({ steps, child }) => {
    // a second Ctrl-C would end it at once
    if (isTold || !steps().includes(step)) return;
    isTold = true;
    child.kill(signal);
  });
  await worker.ended;
  return worker;
}

const endLease = () =>
  pool.query("update recsys_engine.training_requests set claimed_until = now(), attempts = 0 where status = 'running'");

test("killed in every stage, it is continued from the last finished one", {
  skip: noPostgres,
}, async () => {
  const request = await fileRequest(pool);
  const [reading, towers, examples, ranker] = [
    "reading the timeline",
    "two-tower training",
    "ranking examples",
    "DLRM training",
  ];
  for (const [last, expected] of [
    [reading, [reading]],
    [towers, [reading, towers]],
    [examples, [reading, examples]],
    [ranker, [reading, examples, ranker]],
    // fine-tuning
    [towers, [reading, towers]],
    // the last step before the model is in its folder
    ["judging the model", [reading, towers]],
  ] as const) {
    const { steps, output } = await endedAfter(last, "SIGKILL");
    // steps that take no time may be over before the signal arrives
    assert.deepEqual(steps().slice(0, expected.length), expected, output.stderr);
    if (last === reading) {
      const { status, stdout } = await recsys([...trainOnce, "--database", database.url], cwd);
      assert.deepEqual([status, stdout], [0, "no training request waits\n"], "until the lease is over it is not taken");
    }
    await endLease();
  }
  // publishing: caught in its last transaction
  const blocker = await pool.connect();
  await blocker.query("begin; lock table recsys.user_embeddings in share update exclusive mode");
  const { steps } = await endedAfter("embedding users", "SIGKILL");
  await blocker.query("rollback");
  blocker.release();
  assert.deepEqual(steps(), ["embedding posts", "embedding users"]);
  await endLease();
  const worker = startWorker();
  assert.deepEqual(await worker.ended, [0, null], worker.output.stderr);
  assert.match(worker.output.stdout, /was trained before: publishing\nmodel model-\S+ serves: trained in \d+ s/);
  assert.equal((await requestRow(pool, request)).status, "done");
  const { rows } = await pool.query("select status from recsys.models");
  assert.deepEqual(rows, [{ status: "active" }], "nothing half published stays");
});

test("Ctrl-C gives the request back at once, and of two workers then one takes it", async () => {
  await pool.query("update recsys.models set feature_spec_digest = 'other'");
  const request = await fileRequest(pool);
  const { output, child } = await endedAfter("ranking examples", "SIGINT");
  assert.equal(child.exitCode, 0, output.stderr);
  assert.match(output.stdout, /is given back: the next worker goes on with it\n$/);
  const { status, attempts } = await requestRow(pool, request);
  assert.deepEqual([status, attempts], ["running", 0]);
  const { rows: before } = await pool.query("select count(*)::int as n from recsys.models");
  const workers = [startWorker(), ...((await withOneSession()) ? [] : [startWorker()])];
  for (const { ended, output } of workers) assert.deepEqual(await ended, [0, null], output.stderr);
  const [trained, ...others] = workers.filter(({ output }) => output.stdout !== "no training request waits\n");
  assert.deepEqual(others, []);
  assert.ok(!trained.steps().slice(0, 2).includes("two-tower training"), trained.output.stderr);
  const done = await requestRow(pool, request);
  assert.deepEqual([done.status, done.attempts], ["done", 1]);
  const { rows: now } = await pool.query("select count(*)::int as n from recsys.models");
  assert.equal(now[0].n, before[0].n + 1);
});

test("a scheduled job sees in the status that a training failed, and in the queue why", async (t) => {
  const empty = await testDatabase(t, "worker_empty");
  const request = await fileRequest(empty.pool);
  const worked = () => recsys([...trainOnce, "--database", empty.url], cwd);
  const { status, stdout, stderr } = await worked();
  assert.equal(status, 1, stderr);
  assert.match(stdout, /failed: 0 first interactions are too few to train on: 100 are needed\n$/);
  assert.equal((await requestRow(empty.pool, request)).status, "failed");
  assert.equal((await worked()).status, 0);
});

test("--once alone is refused with the cure", async () => {
  const { status, stderr } = await recsys(["worker", "--once", "--database", database.url]);
  assert.deepEqual([status, stderr], [1, "recsys: --once goes with --train: add it, or leave out --once\n"]);
});
