import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { testDatabase } from "../db/testing.ts";
import { fillCommunity, people, post } from "../testing/community.ts";
import { runMetricsLoop } from "./background-loops.ts";

async function unmeasured(pool: pg.Pool): Promise<number> {
  return (await pool.query("select from recsys_engine.unmeasured_days()")).rowCount ?? 0;
}

async function allMeasured(pool: pg.Pool): Promise<void> {
  for (const end = Date.now() + 60_000; (await unmeasured(pool)) > 0; await setTimeout(20)) assert.ok(Date.now() < end);
}

test("days are measured without anyone asking, all that there are, and one more when it is settled", async (t) => {
  const { pool } = await testDatabase(t, "keep_measured");
  await fillCommunity(pool);
  const shown = (days: number) =>
    pool.query(
      `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at)
       values (gen_random_uuid(), $1, $2, 1, recsys.clock() - $3 * interval '1 day')`,
      [people.ada, post(1), days],
    );
  await shown(3);
  await shown(20);
  const out = async () =>
    (await pool.query("select what from recsys.health() where not ok and what = 'measuring'")).rowCount;
  assert.equal(await out(), 1);
  const stop = await runMetricsLoop(pool, { every: 10, onError: assert.ifError });
  t.after(stop);
  await allMeasured(pool);
  const { rows } = await pool.query(
    "select count(*)::int as days, sum(value)::int as shown from recsys.daily_metrics where metric = 'shown' and day > recsys.clock()::date - 37",
  );
  assert.deepEqual(rows, [{ days: 35, shown: 2 }]);
  assert.equal(await out(), 0);
  await pool.query("delete from recsys.daily_metrics where day = recsys.clock()::date - 5");
  await allMeasured(pool);
  assert.equal(await unmeasured(pool), 0, "and the next hour what is missing then");
  await stop();
  await pool.query("delete from recsys.daily_metrics where day = recsys.clock()::date - 5");
  await setTimeout(100);
  assert.equal(await unmeasured(pool), 1, "until it is stopped");
});

test("two at the same time measure each day once", async (t) => {
  const { pool } = await testDatabase({ after }, "keep_measured");
  await fillCommunity(pool);
  await pool.query(
    "insert into recsys.impressions (request_id, user_id, post_id, position, shown_at) values (gen_random_uuid(), $1, $2, 1, recsys.clock() - interval '3 days')",
    [people.ada, post(1)],
  );
  const errors: unknown[] = [];
  const stops = await Promise.all([1, 2].map(() => runMetricsLoop(pool, { onError: (error) => errors.push(error) })));
  t.after(() => Promise.all(stops.map((stop) => stop())));
  await allMeasured(pool);
  await Promise.all(stops.map((stop) => stop()));
  assert.deepEqual(errors, []);
});

test("a look that fails does not end it", async () => {
  const errors: unknown[] = [];
  const failing = {
    async query(text: string) {
      if (text.includes("to_regclass")) return { rows: [{ present: false }] };
      throw new Error("down");
    },
  };
  const stop = await runMetricsLoop(failing as never, { every: 1, onError: (error) => errors.push(error) });
  while (errors.length < 3) await setTimeout(1);
  await stop();
});
