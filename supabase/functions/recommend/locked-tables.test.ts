/** Reads beside a migration that locks several tables, in another order than they are read: both go through. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import type { Database } from "../../../db/connect.ts";
import { testDatabase, withoutPostgres } from "../../../db/testing.ts";
import { type Connection, run, type Statement } from "../_shared/database/database.ts";
import { openPool } from "../_shared/database/pool.ts";
import { readAs, service } from "../_shared/database/run-as-caller.ts";

const skip = await withoutPostgres();
const cleanings: (() => Promise<void>)[] = [];
let database: Database;
let migration: pg.PoolClient;
let pool: ReturnType<typeof openPool>;

before(async () => {
  if (skip) return;
  database = await testDatabase({ after: (clean) => void cleanings.unshift(clean) }, "locked_tables");
  await database.pool.query(`create table public.one (id int); create table public.two (id int);
    alter table public.one enable row level security; alter table public.two enable row level security;
    grant select on public.one, public.two to service_role`);
  migration = await database.pool.connect();
  pool = openPool(database.url, (error) => assert.fail(String(error)));
});
after(async () => {
  migration?.release();
  await pool?.end();
  for (const clean of cleanings) await clean();
});

const count = (table: string): Statement<{ rows: number }> => ({
  text: `select count(*)::int as rows from public.${table}`,
  values: [],
});
const replacePolicy = (table: string) =>
  migration.query(`drop policy if exists p on public.${table}; create policy p on public.${table} using (true)`);

/** Reads the first table, waits, and reads the second, as often as it takes. */
async function readBoth(pause: number, onFirst: () => void): Promise<number> {
  return await readAs(pool, service, count("one"), async (connection: Connection) => {
    onFirst();
    await setTimeout(pause);
    const [{ rows }] = await run(connection, count("two"));
    return rows;
  });
}

test("a migration that waits for a table that a read holds is not ended by that read", { skip }, async () => {
  const begun = Promise.withResolvers<void>();
  const reading = readBoth(400, begun.resolve);
  await begun.promise;
  await migration.query("begin");
  await replacePolicy("two");
  await replacePolicy("one");
  await migration.query("commit");
  assert.equal(await reading, 0);
});

test("a read that waits for a table of a migration gives way, and is answered afterwards", { skip }, async () => {
  await migration.query("begin");
  await replacePolicy("two");
  const begun = Promise.withResolvers<void>();
  let times = 0;
  const reading = readBoth(0, () => {
    times++;
    begun.resolve();
  });
  await begun.promise;
  await setTimeout(100);
  await replacePolicy("one");
  await setTimeout(600);
  await migration.query("commit");
  assert.equal(await reading, 0);
  assert.equal(times, 2, "where the first table is locked, the read begins with it again once it is to be had");
});

test("a roll-up gives way to a migration, too, and what waits stays queued", { skip }, async () => {
  await database.pool.query(
    "insert into recsys_engine.feature_changes (post_id, user_id, at) select gen_random_uuid(), gen_random_uuid(), now()",
  );
  await migration.query("begin; lock table public.posts in access exclusive mode");
  const rolling = assert.rejects(database.pool.query("select recsys.roll_up()"), { code: "55P03" });
  await rolling;
  await migration.query("commit");
  await database.pool.query("select recsys.roll_up()");
  const { rows } = await database.pool.query("select count(*)::int from recsys_engine.feature_changes");
  assert.deepEqual(rows, [{ count: 0 }]);
});
