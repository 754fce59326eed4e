/** What the migrations schedule with a real pg_cron, and how it is listed, paused and changed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { createReverseScope, testDatabase } from "./testing.ts";
import { cronDatabase, withoutCluster } from "./testing-cluster.ts";

const noCluster = await withoutCluster();

test("schedules with pg_cron", { skip: noCluster }, async (t) => {
  // node:test runs what is to be done after in the order of its registration: the connection goes before the server
  const scope = createReverseScope(t);
  const { pool } = await cronDatabase(scope);
  const schedules = async () => (await pool.query("select * from recsys.schedules")).rows;
  const one = async (name: string) => (await schedules()).find((row) => row.name === name);

  await t.test("what is scheduled, when, and what for", async () => {
    const rows = await schedules();
    assert.deepEqual(
      rows.map(({ name, schedule, is_active }) => [name, schedule, is_active]),
      [
        ["recsys batch", "41 3 * * *", true],
        ["recsys circles", "52 * * * *", true],
        ["recsys daily metrics", "27 * * * *", true],
        ["recsys drop old model", "11 * * * *", true],
        ["recsys erasure", "* * * * *", true],
        ["recsys experiment guardrails", "*/15 * * * *", true],
        ["recsys impression partitions", "7 3 * * *", true],
        ["recsys index window", "* 4 * * *", true],
        ["recsys late roll-up", "* 1 * * *", true],
        ["recsys purge of cron history", "17 3 * * *", true],
        ["recsys purge of event ids", "37 3 * * *", true],
        ["recsys purge of impressions", "47 3 * * *", true],
        ["recsys purge of rate limits", "57 3 * * *", true],
        ["recsys purge of shadows", "52 3 * * *", true],
        ["recsys purge of similar people", "2 4 * * *", true],
        ["recsys purge of trials", "27 3 * * *", true],
        ["recsys roll-up", "10 seconds", true],
        ["recsys thinning", "* 2 * * *", true],
        ["recsys topics", "33 * * * *", true],
        ["recsys training", "7 2 * * *", true],
      ],
    );
    for (const { name, purpose, command } of rows) {
      assert.match(
        command,
        /^select recsys(_engine)?\.\w+\(/,
        `${name}: begins with the function whose comment is its purpose`,
      );
      assert.match(purpose, /^[A-Z][^;]{15,150}$/, `${name}: what it is for`);
    }
  });

  await t.test("every command does what it is for when it is run", async () => {
    for (const { command } of await schedules()) await pool.query(command);
  });

  await t.test(
    "pg_cron runs them, and the view says how it went; a pause stops that, until it is resumed",
    async () => {
      const name = "recsys roll-up";
      await pool.query("select recsys.reschedule($1, '1 seconds')", [name]);
      const runs = async () => (await pool.query("select count(*)::int as n from cron.job_run_details")).rows[0].n;
      for (let tries = 0; tries < 200 && !(await one(name)).last_result?.startsWith("succeeded"); tries++)
        await setTimeout(100);
      const row = await one(name);
      assert.match(row.last_result, /^succeeded/);
      assert.ok(row.last_run_at instanceof Date && row.last_took !== null);
      await pool.query("select recsys.pause($1)", [name]);
      assert.equal((await one(name)).is_active, false);
      // one that has begun ends by itself
      let paused = -1;
      for (let tries = 0; tries < 10 && paused !== (await runs()); tries++) {
        paused = await runs();
        await setTimeout(3_000);
      }
      assert.equal(await runs(), paused);
      const status = async () => (await pool.query("select * from recsys.status where concern = 'schedules'")).rows[0];
      assert.deepEqual([(await status()).is_ok, (await status()).state], [false, "paused: recsys roll-up"]);
      await pool.query("select recsys.resume($1)", [name]);
      for (let tries = 0; tries < 200 && (await runs()) === paused; tries++) await setTimeout(100);
      assert.ok((await runs()) > paused);
      assert.equal((await status()).verdict, "ok");
    },
  );

  await t.test("a run that fails says why, in the status too", async () => {
    await pool.query("select recsys_engine.schedule('recsys broken', '1 seconds', 'select recsys.erase(-1)')");
    for (let tries = 0; tries < 200 && !(await one("recsys broken")).last_result?.startsWith("failed"); tries++)
      await setTimeout(100);
    assert.match((await one("recsys broken")).last_result, /^failed: .*LIMIT must not be negative/s);
    assert.equal(
      (await pool.query("select state from recsys.status where concern = 'schedules'")).rows[0].state,
      "failed: recsys broken",
    );
    await pool.query("select cron.unschedule('recsys broken')");
  });

  await t.test("what is wrong is said: no such schedule, another's, a name or time that is none", async () => {
    await pool.query("select cron.schedule('backup', '0 0 * * *', 'select 1')");
    for (const name of ["recsys rollup", "backup", null])
      await assert.rejects(pool.query("select recsys.pause($1)", [name]), /nothing is scheduled as/);
    await assert.rejects(pool.query("select recsys.reschedule('recsys roll-up', 'soon')"), /invalid schedule/);
    await assert.rejects(
      pool.query("select recsys_engine.schedule('mine', '1 seconds', 'select 1')"),
      /begins with "recsys "/,
    );
    assert.equal(await one("backup"), undefined);
  });

  await t.test("of the history of runs only the engine's own and old ones are purged", async () => {
    await pool.query("delete from cron.job_run_details");
    await pool.query(
      `insert into cron.job_run_details (jobid, runid, job_pid, database, username, command, status, start_time, end_time)
       select job.jobid, 1000000 + row_number() over (), 1, current_database(), 'postgres', job.command, 'succeeded', now() - age.days * interval '1 day', now() - age.days * interval '1 day'
       from cron.job cross join (values (6), (8)) as age (days)
       where job.jobname in ('backup', 'recsys roll-up')`,
    );
    assert.equal((await pool.query("select recsys_engine.purge_cron_history() as n")).rows[0].n, 1);
    const { rows } = await pool.query(
      `select job.jobname || round(extract(epoch from now() - end_time) / 86400) as left
       from cron.job_run_details join cron.job using (jobid) where runid > 1000000 order by 1`,
    );
    assert.deepEqual(
      rows.map((row) => row.left),
      ["backup6", "backup8", "recsys roll-up6"],
    );
  });
});

test("where pg_cron is missing, the list says what another scheduler has to do, and a pause why it cannot be", async (t) => {
  const { pool } = await testDatabase(t, "no_cron");
  const { rows: planned } = await pool.query("select name, purpose, is_active from recsys.schedules");
  assert.ok(
    planned.some(({ name }) => name === "recsys roll-up") && planned.some(({ name }) => name === "recsys erasure"),
  );
  for (const { name, purpose, is_active } of planned) {
    assert.match(purpose, /^[A-Z]/, name);
    assert.equal(is_active, false, name);
  }
  await assert.rejects(pool.query("select recsys.pause('recsys roll-up')"), /pg_cron does not run in this database/);
  assert.equal((await pool.query("select recsys_engine.purge_cron_history() as n")).rows[0].n, 0);
  const { rows } = await pool.query("select state from recsys.status where concern = 'schedules'");
  assert.deepEqual(rows, [{ state: "pg_cron is missing" }]);
});
