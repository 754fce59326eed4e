/**
 * Months of impressions: made ahead, moved out of the default partition, dropped when they are old, and no statement
 * waits.
 */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { people, post } from "../testing/community.ts";
import { testDatabase, withoutPostgres } from "./testing.ts";

const { pool } = await testDatabase({ after }, "partitions");
const skip = await withoutPostgres();

beforeEach(async () => {
  await pool.query("delete from recsys.impressions");
  await pool.query("update recsys.settings set clock_shift = '0', impressions_kept = '6 months'");
});

async function partitions(): Promise<string[]> {
  const { rows } = await pool.query(
    "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'recsys.impressions'::regclass order by 1",
  );
  return rows.map(({ name }) => name.replace("recsys_engine.impressions_", ""));
}

const month = async (ahead: number) =>
  (
    await pool.query(
      "select to_char(date_trunc('month', now() at time zone 'UTC') + make_interval(months => $1), 'YYYY_MM') as name",
      [ahead],
    )
  ).rows[0].name;

const show = (interval: string) =>
  pool.query(
    "insert into recsys.impressions (request_id, user_id, post_id, position, shown_at) values (gen_random_uuid(), $1, $2, 1, now() + $3::interval)",
    [people.ada, post(1), interval],
  );

const where = async () =>
  (await pool.query("select tableoid::regclass::text as name from recsys.impressions order by shown_at")).rows.map(
    ({ name }) => name.replace("recsys_engine.impressions_", ""),
  );

const make = async (ahead = 2) =>
  (await pool.query("select recsys_engine.make_impression_partitions($1) as n", [ahead])).rows[0].n;
const purge = async () => (await pool.query("select recsys_engine.purge_impressions() as n")).rows[0].n;

test("this month and two ahead are there from the start; a row finds its month, a far one the default", async () => {
  await make();
  assert.deepEqual(await partitions(), [await month(0), await month(1), await month(2), "default"]);
  await show("0");
  await show("400 days");
  assert.deepEqual(await where(), [await month(0), "default"]);
  assert.equal(await make(), 0, "a second time makes nothing");
});

test("rows move out of the default partition into their month, and none is lost", async () => {
  await show("0");
  await show("400 days");
  await show("401 days");
  await show("-40 days");
  assert.deepEqual((await where()).filter((name) => name === "default").length, 3);
  assert.ok((await make(15)) >= 12);
  assert.equal((await where()).includes("default"), false);
  assert.equal((await where()).length, 4);
  await assert.rejects(make(-1), /0 months ahead or more, not -1/);
});

test("what is older than it is kept goes by the month, and from the default partition by the row", async () => {
  await show("-5 months");
  await make();
  await pool.query("update recsys.settings set impressions_kept = '1 year'");
  await show("-10 months");
  await make();
  await show("-3 years");
  await show("0");
  await pool.query("update recsys.settings set impressions_kept = '6 months'");
  assert.equal(await purge(), 1);
  assert.deepEqual(await where(), [await month(-5), await month(0)]);
  assert.equal((await partitions()).includes(await month(-10)), false);
  assert.equal(await purge(), 0);
  await assert.rejects(pool.query("update recsys.settings set impressions_kept = '-1 day'"), /impressions_kept/);
});

test("months follow the engine's clock, where that is behind", async () => {
  await pool.query("update recsys.settings set clock_shift = '2000 days'");
  await show("-2000 days");
  assert.deepEqual(await where(), ["default"]);
  assert.equal(await make(), 3);
  assert.equal((await where()).includes("default"), false);
});

test("a partition is the owner's alone, says what it is, and has the parent's indexes", async () => {
  await make();
  const name = `recsys_engine.impressions_${await month(0)}`;
  const { rows } = await pool.query(
    `select relrowsecurity as secured, obj_description(oid, 'pg_class') as comment,
       has_table_privilege('authenticated', oid, 'select') as read, has_table_privilege('anon', oid, 'insert') as written,
       (select count(*)::int from pg_index where indrelid = pg_class.oid) as indexes,
       (select count(*)::int from pg_index where indrelid = 'recsys.impressions'::regclass) as indexes_of_parent,
       (select count(*)::int from pg_attribute where attrelid = pg_class.oid and attnum > 0 and col_description(oid, attnum) is null) as bare
     from pg_class where oid = $1::regclass`,
    [name],
  );
  assert.match(rows[0].comment, /^Impressions of [A-Z][a-z]+ \d{4}, by UTC\.$/);
  const { comment, indexes, indexes_of_parent, ...others } = rows[0];
  assert.deepEqual(others, { secured: true, read: false, written: false, bare: 0 });
  assert.equal(indexes, indexes_of_parent);
});

test("upkeep that has to wait gives up, and those behind it wait no longer than that", { skip }, async (t) => {
  await pool.query("update recsys.settings set impressions_kept = '10 years'");
  await show("-9 months");
  await make();
  await pool.query("update recsys.settings set impressions_kept = '6 months'");
  const [reader, feed] = [await pool.connect(), await pool.connect()];
  t.after(async () => {
    for (const client of [reader, feed]) {
      await client.query("rollback");
      client.release();
    }
  });
  await reader.query("begin; select count(*) from recsys.impressions");
  const purging = assert.rejects(purge(), /lock timeout/);
  await new Promise((later) => setTimeout(later, 200));
  // behind the one who waits
  await feed.query("set statement_timeout = '3s'");
  await feed.query(logOne);
  await purging;
  await reader.query("commit");
  await purge();
  assert.equal((await partitions()).includes(await month(-9)), false, "the next night it goes");
});

test("months are made while others write and read: none of them waits", { skip }, async (t) => {
  await make(20);
  const [reader, feed] = [await pool.connect(), await pool.connect()];
  t.after(async () => {
    for (const client of [reader, feed]) {
      await client.query("rollback");
      client.release();
    }
  });
  const one = await month(0);
  await reader.query(`begin; select count(*) from recsys_engine.impressions_${one}`);
  await feed.query(`begin; ${logOne}`);
  assert.equal(await make(22), 2);
  await feed.query(logOne);
});

const logOne =
  "insert into recsys.impressions (request_id, user_id, post_id, position, shown_at) values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, now())";
