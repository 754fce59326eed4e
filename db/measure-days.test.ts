/** Which days are measured and when, what each hour notes, and whom that holds up. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { uuid } from "../testing/community.ts";
import { clearFigures, drawDay, fillDay, hours, insertModel, settledDay } from "../testing/daily-metrics.ts";
import { Random } from "../trainer/models/nn/random.ts";
import { testDatabase, withoutPostgres } from "./testing.ts";

const { pool } = await testDatabase({ after }, "measure_days");
const skip = await withoutPostgres();

beforeEach(() => clearFigures(pool));

const measure = (of: string) => pool.query("select recsys_engine.measure_day($1)", [of]);
const measureDays = async (most: number) =>
  (await pool.query("select recsys_engine.measure_days($1) as n", [most])).rows[0].n;

test("a day is measured when its last labels are settled, and not before", async () => {
  const clock = (await pool.query("select (recsys.clock() at time zone 'UTC')::date::text as today")).rows[0].today;
  for (const [ago, settled] of [
    [0, false],
    [1, false],
    [2, true],
  ] as const) {
    const of = new Date(Date.parse(clock) - ago * 24 * hours).toISOString().slice(0, 10);
    if (settled) await measure(of);
    else await assert.rejects(measure(of), /labels of \d{4}-\d\d-\d\d are not settled/);
  }
  await assert.rejects(pool.query("select recsys_engine.measure_day(null)"), /labels of no day are not settled/);
  await assert.rejects(
    pool.query("select recsys_engine.measure_days(-1)"),
    /0 days or more are measured at once, not -1/,
  );
  await assert.rejects(pool.query("select recsys_engine.measure_days(null)"), /not null/);
});

const measuredDays = async () =>
  (
    await pool.query(
      `select ((recsys.clock() at time zone 'UTC')::date - day)::int as ago from recsys.daily_metrics where metric = 'shown' order by day`,
    )
  ).rows.map(({ ago }) => ago);

test("missed days are caught up with, the oldest first, so many a run, and then there is nothing to do", async () => {
  assert.equal(await measureDays(2), 2);
  assert.deepEqual(await measuredDays(), [36, 35]);
  assert.equal(await measureDays(100), 33);
  assert.equal(await measureDays(100), 0);
  assert.deepEqual((await measuredDays()).at(-1), 2);
  // one in the middle, by hand
  await pool.query("delete from recsys.daily_metrics where day = (recsys.clock() at time zone 'UTC')::date - 9");
  assert.equal(await measureDays(100), 1);
});

test("after months in which nothing was measured no day is left out, as far as there are impressions", async () => {
  await measureDays(100);
  await pool.query("update recsys.settings set clock_shift = '-100 days'");
  assert.equal(await measureDays(1000), 100);
  await pool.query("update recsys.settings set clock_shift = '-400 days'");
  // impressions_kept: six months
  const n = await measureDays(1000);
  assert.ok(n >= 177 && n <= 183, `${n} days`);
});

test("what was measured while the clock was a day ahead is measured again once it is settled", async () => {
  await measureDays(100);
  await pool.query("update recsys.settings set clock_shift = '-1 day'");
  assert.equal(await measureDays(100), 1);
  await pool.query("update recsys.settings set clock_shift = '0'");
  assert.deepEqual((await measuredDays()).slice(-2), [2, 1]);
  await measureDays(100);
  assert.deepEqual((await measuredDays()).slice(-2), [3, 2]);
  const { rows } = await pool.query(
    "select from recsys.daily_metrics where day > (recsys.clock() at time zone 'UTC')::date",
  );
  assert.equal(rows.length, 0, "nor is tomorrow behind already");
});

test("figures are kept for two years", async () => {
  await measureDays(1);
  await pool.query("update recsys.daily_metrics set day = day - 694 where metric = 'shown'");
  await measureDays(0);
  assert.deepEqual(await measuredDays(), [730]);
  await pool.query("update recsys.daily_metrics set day = day - 2 where metric = 'shown'");
  await measureDays(0);
  assert.deepEqual(await measuredDays(), []);
});

test("the lag of a day is the longest that was seen", async () => {
  const lag = async () =>
    (
      await pool.query(
        "select slice, round(value::numeric)::int as value, count::int from recsys.daily_metrics where metric = 'lag' order by slice",
      )
    ).rows;
  await pool.query("truncate recsys_engine.embedding_jobs, recsys_engine.feature_changes");
  await measureDays(0);
  assert.deepEqual(await lag(), [
    { slice: "embedding", value: 0, count: 1 },
    { slice: "roll-up", value: 0, count: 1 },
  ]);
  await pool.query(
    "insert into recsys_engine.feature_changes (user_id, queued_at) values ($1, now() - interval '90 seconds')",
    [uuid("a", 0)],
  );
  await measureDays(0);
  await pool.query("truncate recsys_engine.feature_changes");
  await measureDays(0);
  assert.deepEqual(await lag(), [
    { slice: "embedding", value: 0, count: 3 },
    { slice: "roll-up", value: 90, count: 3 },
  ]);
});

test("degraded feeds of a day are those of its hours together", async () => {
  const show = (feeds: number, degraded: number) =>
    pool.query(
      `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, degraded)
       select md5($1 || ' ' || n)::uuid, $3, md5(place::text)::uuid, place, recsys.clock() - interval '59 minutes', case when n <= $2::int then 'unranked' end
       from generate_series(1, $1::int) as n cross join generate_series(1, 3) as place`,
      [feeds, degraded, uuid("a", 0)],
    );
  const degraded = async () => {
    await measureDays(0);
    const { rows } = await pool.query("select value, count::int from recsys.daily_metrics where metric = 'degraded'");
    return rows;
  };
  assert.deepEqual(await degraded(), []);
  await show(10, 1);
  assert.deepEqual(await degraded(), [{ value: 0.1, count: 10 }]);
  await pool.query("update recsys.impressions set shown_at = shown_at - interval '5 minutes'");
  await show(30, 15);
  assert.deepEqual(await degraded(), [{ value: 0.4, count: 40 }]);
});

test("who measures holds up neither feeds nor events, and two at the same time do it once", {
  skip,
}, async (t) => {
  const day = settledDay();
  const model = await insertModel(pool, "a");
  const { community, impressions } = drawDay(new Random(9), day, [model]);
  await fillDay(pool, community, impressions);
  const [measuring, feed] = [await pool.connect(), await pool.connect()];
  t.after(async () => {
    for (const client of [measuring, feed]) {
      await client.query("rollback");
      client.release();
    }
  });
  await measuring.query("begin");
  assert.equal((await measuring.query("select recsys_engine.measure_days(100) as n")).rows[0].n, 35);
  await feed.query("set lock_timeout = '100ms'");
  assert.equal((await feed.query("select recsys_engine.measure_days(100) as n")).rows[0].n, 0, "the other one does it");
  await feed.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, model_id)
     values (gen_random_uuid(), $1, $2, 1, now(), $3), (gen_random_uuid(), $1, $2, 1, $4::date, $3)`,
    [uuid("a", 0), uuid("b", 1), model, day],
  );
  await feed.query("update recsys.impressions set seen_at = now()");
  await feed.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [uuid("a", 0), uuid("b", 1)]);
  await feed.query("select recsys.roll_up(null)");
  const { rows } = await pool.query(
    `select distinct relation::regclass::text as name, mode from pg_locks
     where pid = $1 and locktype = 'relation' and mode not in ('AccessShareLock') order by 1`,
    [(await measuring.query("select pg_backend_pid() as pid")).rows[0].pid],
  );
  assert.deepEqual(
    rows.map(({ name, mode }) => [name, mode]),
    [
      ["recsys.daily_metrics", "RowExclusiveLock"],
      ["recsys.daily_metrics_pkey", "RowExclusiveLock"],
      // of the engine's own, which nothing else takes
      ["recsys_engine.metrics_lock", "ExclusiveLock"],
    ],
  );
  await measuring.query("commit");
});
