import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { testDatabase } from "./testing.ts";
import { withoutCron } from "./testing-cron.ts";
import { testServer } from "./testing-postgres.ts";

const noCron = await withoutCron();

for (const [what, command, setUp, isDone] of [
  [
    "keeps the feature store up to date",
    "select recsys.roll_up()",
    "with people as (insert into public.profiles (bio) values ('x') returning id) insert into public.logins (user_id) select id from people",
    "select count(*) = 1 as done from recsys_engine.user_stats",
  ],
  [
    "files a training request, and while it waits no second one",
    "select recsys.request_training('schedule')",
    "",
    "select count(*) = 1 as done from recsys_engine.training_requests where requested_by = 'schedule' and status = 'queued'",
  ],
] as const)
  test(`pg_cron ${what}`, { skip: noCron }, async (t) => {
    const { pool, url } = await testDatabase(t, "cron");
    await pool.query(setUp);
    const cron = new pg.Client({ connectionString: (await testServer()) as string });
    await cron.connect();
    const name = new URL(url).pathname.slice(1);
    await cron.query("select cron.schedule_in_database($1, '1 seconds', $2, $1)", [name, command]);
    try {
      let done = false;
      for (let i = 0; i < 100 && !done; i++) {
        await new Promise((later) => setTimeout(later, 200));
        done = (await pool.query(isDone)).rows[0].done;
      }
      assert.ok(done);
    } finally {
      await cron.query("select cron.unschedule($1)", [name]);
      await cron.end();
    }
  });
