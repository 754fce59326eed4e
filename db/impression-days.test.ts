/** The exposure log by days: from months to days and back, with rows in both, and what status and purge make of them. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { people, post } from "../testing/community.ts";
import { eitherDatabase } from "./testing.ts";

const { pool } = await eitherDatabase({ after }, "impression_days");

beforeEach(async () => {
  await pool.query("delete from recsys.impressions; truncate recsys_engine.impressions_default");
  const { rows } = await pool.query("select name from recsys_engine.impression_partitions");
  for (const { name } of rows) await pool.query(`drop table recsys_engine.${name}`);
  await pool.query("update recsys.settings set impression_partition_interval = 'month', impressions_kept = '6 months'");
});

/** A date's name, in months or days from now. */
const named = async (pattern: string, ahead: string) =>
  (await pool.query("select to_char((now() at time zone 'UTC') + $2::interval, $1) as name", [pattern, ahead])).rows[0]
    .name;
const dayName = (ahead: string) => named('"impressions_"YYYY_MM_DD', ahead);
const monthName = (ahead: string) => named('"impressions_"YYYY_MM', ahead);
const partitions = async () =>
  (await pool.query("select name from recsys_engine.impression_partitions where is_attached order by name")).rows.map(
    ({ name }) => name as string,
  );
const make = async (ahead = 2) =>
  (await pool.query("select recsys_engine.make_impression_partitions($1) as n", [ahead])).rows[0].n;
const toDays = () => pool.query("update recsys.settings set impression_partition_interval = 'day'");
const show = (at: string) =>
  pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at) values (gen_random_uuid(), $1, $2, 1, date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' + $3::interval)`,
    [people.ada, post(1), at],
  );
const where = async () =>
  (await pool.query("select tableoid::regclass::text as name from recsys.impressions order by shown_at")).rows.map(
    ({ name }) => name.replace("recsys_engine.", ""),
  );

test("days are made for today and 7 days more for each month asked for, each with its comment", async () => {
  await toDays();
  assert.equal(await make(), 15);
  assert.deepEqual((await partitions()).slice(0, 2), [await dayName("0"), await dayName("1 day")]);
  assert.equal((await partitions()).at(-1), await dayName("14 days"));
  assert.equal(await make(), 0, "a second time makes nothing");
  await show("23:59:59.999999");
  await show("1 day");
  await show("15 days");
  assert.deepEqual(await where(), [await dayName("0"), await dayName("1 day"), "impressions_default"]);
  const { rows } = await pool.query(
    "select obj_description(oid, 'pg_class') as comment, relrowsecurity from pg_class where relname = $1",
    [await dayName("0")],
  );
  assert.match(rows[0].comment, /^Impressions of \d{1,2} [A-Z][a-z]+ \d{4}, by UTC\.$/);
  assert.equal(rows[0].relrowsecurity, true);
});

test("months without rows make room for days, the current one too; one with rows stays, and no day is made within it", async () => {
  await make();
  await show("12:00");
  await toDays();
  await make();
  const all = await partitions();
  assert.ok(all.includes(await monthName("0")), `${all}`);
  assert.ok(!all.includes(await monthName("1 month")) && !all.includes(await monthName("2 months")));
  assert.ok(!all.includes(await dayName("0")));
  await pool.query("delete from recsys.impressions");
  await make();
  assert.ok((await partitions()).includes(await dayName("0")));
  assert.ok(!(await partitions()).includes(await monthName("0")));
});

test("rows of earlier days move out of the default partition, each to its day, and none that is older than it is kept", async () => {
  await toDays();
  await show("-40 days");
  await show("-40 days 3 hours");
  await show("-39 days");
  await show("-8 months");
  await make();
  const [first, second] = [await dayName("-40 days"), await dayName("-39 days")];
  assert.deepEqual(await where(), ["impressions_default", first, first, second]);
});

test("back to months: a month that has days goes on with days, others are months", async () => {
  await toDays();
  await make();
  const days = await partitions();
  await pool.query("update recsys.settings set impression_partition_interval = 'month'");
  await show("-100 days");
  await make();
  const all = await partitions();
  for (const day of days) assert.ok(all.includes(day), day);
  assert.ok(all.includes(await monthName("-100 days")));
  assert.ok(all.includes(await monthName("2 months")));
  await show("1 hour");
  assert.equal((await where()).at(-1), await dayName("0"));
  // of every instant there is one partition
  const { rows } = await pool.query(
    `select count(*)::int as n from recsys_engine.impression_partitions as a join recsys_engine.impression_partitions as b
     on a.name < b.name and a.first < b.next and b.first < a.next`,
  );
  assert.equal(rows[0].n, 0);
});

test("the purge drops days, and what it keeps it keeps to the day", async () => {
  await toDays();
  await show("-40 days");
  await show("-39 days");
  await make();
  await pool.query("update recsys.settings set impressions_kept = '39 days'");
  assert.equal((await pool.query("select recsys_engine.purge_impressions() as n")).rows[0].n, 1);
  assert.deepEqual(await where(), [await dayName("-39 days")]);
});

test("status says whether the next day has its partition", async () => {
  const status = async () =>
    (await pool.query("select is_ok, state from recsys.status where concern = 'impressions'")).rows[0];
  assert.deepEqual(await status(), { is_ok: false, state: "next month has no partition" });
  await make();
  assert.deepEqual(await status(), { is_ok: true, state: "next month has its partition" });
  await toDays();
  await make(0);
  assert.deepEqual(await status(), { is_ok: false, state: "next day has no partition" });
  await make();
  assert.deepEqual(await status(), { is_ok: true, state: "next day has its partition" });
});

test("there are months and days, and nothing else", async () => {
  await assert.rejects(
    pool.query("update recsys.settings set impression_partition_interval = 'week'"),
    /impression_partition_interval/,
  );
  await assert.rejects(
    pool.query("update recsys.settings set impression_partition_interval = null"),
    /impression_partition_interval/,
  );
});
