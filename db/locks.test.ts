/** Any role that can log in can take any number of advisory locks. They block nothing of the engine. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { holdLock } from "./hold-lock.ts";
import { testDatabase, withOneSession } from "./testing.ts";

const database = await testDatabase({ after }, "locks");
const { pool } = database;
// one session holds no lock against itself
const skip = await withOneSession();

/** Keys of advisory locks that an attacker may try: those of 1.0.0, and hashes of the names of all objects of the engine. */
const names = `
  select unnest(array['recsys.roll_up', 'recsys.activate_model', 'recsys.erase', 'recsys.batch_run', 'recsys.publish', 'recsys.make_topics', 'recsys archive',
    'recsys.impressions partitions', 'recsys_engine.topics', 'recsys_engine.measure_days', 'recsys_engine.find_circles', 'recsys_engine.claim_training_request'])
  union select nspname || '.' || relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace where nspname ~ '^recsys'
  union select nspname || '.' || proname from pg_proc join pg_namespace on pg_namespace.oid = pronamespace where nspname ~ '^recsys'`;

const works = [
  "select recsys.roll_up()",
  "select recsys_engine.update_exploration_stats()",
  "select recsys_engine.purge_exploration_stats()",
  "select recsys_engine.prune_feature_store()",
  "select recsys_engine.advance_index_window()",
  "select recsys_engine.find_circles()",
  "select recsys_engine.measure_days()",
  "select recsys_engine.assign_topics(1, '{}')",
  "select recsys_engine.make_impression_partitions()",
  "select recsys_engine.purge_impressions()",
  "select recsys.erase()",
];

test("a session with every advisory lock that it can think of stops nothing", { skip }, async () => {
  const [somebody, engine] = [await pool.connect(), await pool.connect()];
  try {
    await somebody.query("set role authenticated");
    await somebody.query(
      `select pg_advisory_lock(hashtext(name)), pg_advisory_lock(0, hashtext(name)) from (${names}) as known (name)`,
    );
    await engine.query("set statement_timeout = '10s'");
    for (const work of works) await engine.query(work).catch((error) => assert.fail(`${work}: ${error.message}`));
    for (const name of ["publish", "topics_made", "archive"] as const) {
      const release = await holdLock(database, name);
      assert.ok(release, name);
      await release();
    }
  } finally {
    for (const client of [somebody, engine]) client.release(true);
  }
});

test("ordinary roles may take none of the engine's locks, by themselves or by its functions", async () => {
  const { rows } = await pool.query(
    "select oid::regclass::text as name from pg_class where relnamespace = 'recsys_engine'::regnamespace and relname ~ '_lock$'",
  );
  assert.equal(rows.length, 12);
  const somebody = await pool.connect();
  try {
    for (const role of ["authenticated", "anon"])
      for (const statement of [
        ...rows.flatMap(({ name }) =>
          ["access share", "exclusive"].map((mode) => `lock table ${name} in ${mode} mode`),
        ),
        "select recsys_engine.take_lock('roll_up')",
        "select recsys_engine.try_lock('roll_up')",
      ]) {
        await somebody.query(`begin; set local role ${role}`);
        await assert.rejects(somebody.query(statement), { code: "42501" }, `${role}: ${statement}`);
        await somebody.query("rollback");
      }
  } finally {
    somebody.release(true);
  }
});

test("one at a time: who waits for a lock goes on when it is let go, and who tries it is told", { skip }, async () => {
  const [one, other] = [await pool.connect(), await pool.connect()];
  try {
    await one.query("begin");
    await one.query("select recsys_engine.take_lock('roll_up')");
    await other.query("set lock_timeout = '100ms'");
    await assert.rejects(other.query("select recsys.roll_up()"), { code: "55P03" });
    await one.query("commit");
    await other.query("select recsys.roll_up()");

    await one.query("begin");
    const tried = async (mode: string) =>
      (await other.query("select recsys_engine.try_lock('topics', $1) as got", [mode])).rows[0].got;
    assert.equal((await one.query("select recsys_engine.try_lock('topics', 'share') as got")).rows[0].got, true);
    assert.deepEqual([await tried("share"), await tried("exclusive")], [true, false]);
    await one.query("commit");

    const release = await holdLock(database, "publish");
    assert.equal(await holdLock(database, "publish"), null);
    await release?.();
    const again = await holdLock(database, "publish");
    assert.ok(again);
    // a lock that is held for long delays no vacuum
    const { rows } = await pool.query(
      `select backend_xid, backend_xmin from pg_stat_activity join pg_locks using (pid)
       where relation = 'recsys_engine.publish_lock'::regclass and datname = current_database()`,
    );
    assert.deepEqual(rows, [{ backend_xid: null, backend_xmin: null }]);
    await again();
  } finally {
    for (const client of [one, other]) client.release(true);
  }
});
