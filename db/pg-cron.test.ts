import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { testDatabase } from "./testing.ts";
import { withoutCron } from "./testing-cron.ts";
import { testServer } from "./testing-postgres.ts";

test("pg_cron keeps the feature store up to date", { skip: await withoutCron() }, async (t) => {
  const { pool, url } = await testDatabase(t, "cron");
  await pool.query(
    "with people as (insert into public.profiles (bio) values ('x') returning id) insert into public.logins (user_id) select id from people",
  );
  const cron = new pg.Client({ connectionString: (await testServer()) as string });
  await cron.connect();
  const name = new URL(url).pathname.slice(1);
  await cron.query("select cron.schedule_in_database($1, '1 seconds', 'select recsys.roll_up()', $1)", [name]);
  try {
    let rows = 0;
    for (let i = 0; i < 100 && rows === 0; i++) {
      await new Promise((done) => setTimeout(done, 200));
      rows = (await pool.query("select from recsys.user_stats")).rowCount ?? 0;
    }
    assert.equal(rows, 1);
  } finally {
    await cron.query("select cron.unschedule($1)", [name]);
    await cron.end();
  }
});
