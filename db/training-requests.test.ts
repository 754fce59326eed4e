/** The queue of training requests in SQL: filing, claims, leases, what becomes of failures. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase, withOneSession } from "./testing.ts";

const oneSession = await withOneSession();

const { pool } = await testDatabase({ after }, "training");

beforeEach(async () => {
  await pool.query("truncate recsys_engine.training_requests");
});

async function value(query: string, values: unknown[] = []) {
  const { rows } = await pool.query({ text: query, values, rowMode: "array" });
  return rows[0]?.[0];
}

const file = (by = "person") => value("select recsys.request_training($1)", [by]);
const claim = (worker = "w", lease = "5 minutes"): Promise<number | undefined> =>
  value("select claim from recsys_engine.claim_training_request($1, $2)", [worker, lease]);
const beat = (claim?: number) =>
  value("select recsys_engine.heartbeat_training_request($1, '5 minutes', 'a step')", [claim]);
const fail = (claim?: number, isFinal = false) =>
  value("select recsys_engine.fail_training_request($1, 'no luck', $2)", [claim, isFinal]);
const complete = (claim?: number) =>
  value("select recsys_engine.complete_training_request($1, null, 7, 2, 0.5)", [claim]);
const release = (claim?: number) => value("select recsys_engine.release_training_request($1)", [claim]);
const endLease = () =>
  pool.query("update recsys_engine.training_requests set claimed_until = now() where status = 'running'");
const makeDue = () => pool.query("update recsys_engine.training_requests set due_at = now() where status = 'running'");

async function requests(): Promise<string[]> {
  const { rows } = await pool.query(
    "select status, attempts from recsys_engine.training_requests order by training_request_id",
  );
  return rows.map(({ status, attempts }) => `${status} ${attempts}`);
}

test("who asks while a request is queued gets that one; while one is running, another is filed", async () => {
  const first = await file("schedule");
  assert.equal(await file(), first);
  assert.deepEqual(await requests(), ["queued 0"]);
  await claim();
  const second = await file();
  assert.notEqual(second, first);
  assert.equal(await file(), second);
  assert.deepEqual(await requests(), ["running 1", "queued 0"]);
  await assert.rejects(file("somebody"), /training_requests_requested_by_check/);
});

test("one is worked at a time, and the one filed meanwhile comes next", async () => {
  await file();
  const first = await claim("one");
  await file();
  assert.equal(await claim("two"), undefined);
  assert.equal(await complete(first), true);
  const second = await claim("two");
  assert.ok(second);
  assert.deepEqual(await requests(), ["done 1", "running 1"]);
  assert.equal(await complete(first), false, "what has ended does not end again");
});

test("of 20 concurrent claims one gets the request", { skip: oneSession }, async () => {
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 4 }, () => file()));
    const claims = await Promise.all(Array.from({ length: 20 }, (_, i) => claim(`worker ${i}`)));
    assert.equal(claims.filter((each) => each !== undefined).length, 1);
    assert.equal((await requests()).filter((each) => each.startsWith("queued")).length, 0);
    await complete(claims.find((each) => each !== undefined));
  }
});

test("a heartbeat keeps the lease; when it is over another worker goes on, and the first one has lost it", async () => {
  await file();
  const first = await claim("one", "1 minute");
  assert.equal(await beat(first), true);
  assert.equal(
    await value(
      "select claimed_until > now() + interval '4 minutes' and step = 'a step' from recsys_engine.training_requests",
    ),
    true,
  );
  assert.equal(await claim("two"), undefined);
  await endLease();
  assert.equal(await beat(first), true, "late, but nobody was faster");
  await endLease();
  const second = await claim("two");
  assert.ok(second);
  for (const late of [beat, release, complete]) assert.equal(await late(first), false);
  assert.equal(await fail(first), null);
  assert.equal(await beat(second), true);
  assert.deepEqual(await requests(), ["running 2"]);
});

test("a lease, and a wait, of a clock that was a day ahead are over", async () => {
  await file();
  await claim("one");
  await pool.query("update recsys_engine.training_requests set claimed_until = claimed_until + interval '1 day'");
  const second = await claim("two");
  assert.ok(second);
  await fail(second);
  assert.equal(await claim(), undefined);
  await pool.query("update recsys_engine.training_requests set due_at = due_at + interval '1 day'");
  assert.ok(await claim("three"));
});

test("a request that is given back costs no attempt and is due at once", async () => {
  await file();
  assert.equal(await release(await claim()), true);
  assert.deepEqual(await requests(), ["running 0"]);
  assert.equal(
    await value("select waiting_since is null and running_since is not null from recsys.training_status"),
    true,
  );
  assert.ok(await claim());
});

test("failures are tried again after 1, 4, 16 and 64 minutes, then given up; what was filed meanwhile waits behind them", async () => {
  await file();
  for (const minutes of [1, 4, 16, 64]) {
    const due: Date = await fail(await claim());
    assert.ok(Math.abs(due.getTime() - Date.now() - minutes * 60_000) < 5_000, `${due}`);
    await file();
    assert.equal(await claim(), undefined, "not before it is due");
    assert.equal(
      await value("select next_attempt_at is not null and last_error = 'no luck' from recsys.training_status"),
      true,
    );
    await makeDue();
  }
  assert.equal(await fail(await claim()), null);
  assert.deepEqual(await requests(), ["failed 5", "queued 0"]);
  assert.ok(await claim(), "the next one is not held up by it");
});

test("a final failure is given up at once, with its reason", async () => {
  await file();
  assert.equal(await fail(await claim(), true), null);
  assert.deepEqual(await requests(), ["failed 1"]);
  assert.equal(await value("select last_error from recsys.training_status"), "no luck");
  assert.equal(await claim(), undefined);
});

test("a request that five workers did not come back with is given up, and the next one is taken", async () => {
  await file();
  for (let n = 0; n < 5; n++) {
    assert.ok(await claim());
    await endLease();
  }
  await file();
  assert.ok(await claim());
  assert.deepEqual(await requests(), ["failed 5", "running 1"]);
  assert.match(
    await value("select last_error from recsys.training_status"),
    /^no worker came back with it, five times/,
  );
});

test("the status says what a DBA asks: what was last done, since when one waits, what runs", async () => {
  assert.deepEqual((await pool.query("select * from recsys.training_status")).rowCount, 1);
  await file();
  await complete(await claim());
  await file();
  const { rows } = await pool.query(
    "select last_done_at is not null as done, age < '1 minute' as recent, waiting_since is not null as waits, running_since, new_interactions, ratio from recsys.training_status",
  );
  assert.deepEqual(rows, [
    { done: true, recent: true, waits: true, running_since: null, new_interactions: 7, ratio: 0.5 },
  ]);
});

test("what to look at first says whether models renew themselves", async () => {
  const line = async () => {
    const { rows } = await pool.query("select is_ok, state, verdict from recsys.status where concern = 'training'");
    return [rows[0].is_ok, rows[0].state.split(/ \d{4}/)[0], rows[0].verdict];
  };
  const cure = "does npx --no-install recsys worker --train run? select * from recsys.training_status";
  assert.deepEqual(await line(), [true, "none so far", "ok"]);
  await file();
  assert.deepEqual(await line(), [true, "a request has waited since", "ok"]);
  await pool.query("update recsys_engine.training_requests set requested_at = now() - interval '25 hours'");
  assert.deepEqual(await line(), [false, "a request has waited since", cure]);
  await complete(await claim());
  assert.deepEqual(await line(), [true, "last done", "ok"]);
  await file();
  await fail(await claim(), true);
  assert.deepEqual(await line(), [false, "the last one failed: no luck", cure]);
});

test("nonsense is refused", async () => {
  await file();
  await assert.rejects(claim("w", "-1 minute"), /a lease must last for a while, not -00:01:00/);
  await assert.rejects(claim("w", "0"), /a lease must last for a while/);
  await assert.rejects(pool.query("update recsys_engine.training_requests set status = 'done'"), /check constraint/);
});
