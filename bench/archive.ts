/**
 * Measures a day of the exposure log: bytes a row in the table, its indexes and Parquet, and the processor time to
 * archive, restore and read. `npm run bench -- archive [--rows 1000000]`. Takes ten minutes. Needs a PostgreSQL.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { testApp } from "../supabase/functions/recommend/testing.ts";
import { archiveDays } from "../trainer/archive/archive-days.ts";
import { archivedParts, dayAfter } from "../trainer/archive/archived-days.ts";
import { readingLog } from "../trainer/archive/read-archived.ts";
import { restoreDays } from "../trainer/archive/restore-days.ts";
import { folderStore } from "../trainer/archive/store.ts";
import { load, ownProcessorTime, processorTime } from "./shared/times.ts";
import { trainedCommunity } from "./shared/trained-community.ts";
import { commandOptions, openFolder, openScope } from "./shared/workspace.ts";

const rows = Number(commandOptions({ rows: "1000000" }).rows);
const feeds = 2500;
const limit = 20;
const feedsOfYear = 365e6;

await using scope = openScope();
const [database] = await trainedCommunity(scope, 1, ["bench_archive"]);
const { pool } = database;
await pool.query(
  "update recsys.settings set impression_partition_interval = 'day', impressions_per_day = null, trial_place = 0",
);
const { rows: people } = await pool.query("select user_id from recsys.source_users order by user_id");
const app = testApp(scope, database.url);
for (let feed = 0; feed < feeds; feed++) {
  const { body } = await app.call(people[feed % people.length].user_id, { limit });
  if (body.degraded || body.items.length < limit) throw new Error("a feed is degraded, or shorter than its limit");
}
const count = async (of: string) => Number((await pool.query(`select count(*) as n from ${of}`)).rows[0].n);
while ((await count("recsys.impressions where features is not null")) < feeds * limit) await sleep(500);

const copies = Math.ceil(rows / (feeds * limit));
const day = dayAfter(
  new Date((await pool.query("select recsys.clock() as now")).rows[0].now).toISOString().slice(0, 10),
  -40,
);
await pool.query("create table public.copied as select * from recsys.impressions where features is not null");
await pool.query(
  `insert into public.profiles (id, created_at)
   select md5(source_users.user_id || copy::text)::uuid, now() from recsys.source_users cross join generate_series(1, $1::integer) as copy`,
  [copies],
);
await pool.query("delete from recsys.impressions");
const columns = (
  await pool.query(
    "select string_agg(quote_ident(attname), ', ' order by attnum) as names from pg_attribute where attrelid = 'recsys.impressions'::regclass and attnum > 0 and attname <> all ('{request_id,user_id,shown_at,seen_at}')",
  )
).rows[0].names;
await pool.query(
  `insert into recsys.impressions (request_id, user_id, shown_at, seen_at, ${columns})
   select md5(request_id || copy::text)::uuid, md5(user_id || copy::text)::uuid, at, case when position <= 8 then at + random() * interval '60 s' end, ${columns}
   from (
     select *, $2::timestamptz + (copy - 1 + (hashtextextended(request_id::text, copy) & 1048575) / 1048576.0) * (interval '1 day' / $1::integer) as at
     from public.copied cross join generate_series(1, $1::integer) as copy
   ) as shown
   order by at, request_id, position`,
  [copies, `${day}T00:00:00Z`],
);
await pool.query("select recsys_engine.make_impression_partitions()");
const table = `recsys_engine.impressions_${day.replaceAll("-", "_")}`;
await pool.query(`reindex table ${table}`);
await pool.query(`vacuum analyze ${table}`);
const number = await count(table);
const sizes = (
  await pool.query(
    `select pg_relation_size('${table}') as main, pg_table_size('${table}') - pg_relation_size('${table}') as other, pg_indexes_size('${table}') as indexes`,
  )
).rows[0];
const aRow = (bytes: number) => `${(Number(bytes) / number).toFixed(1)} bytes a row`;
console.log(
  `${number} rows: table ${aRow(sizes.main)}, what is beside it ${aRow(sizes.other)}, indexes ${aRow(sizes.indexes)}`,
);
const inTable = Number(sizes.main) + Number(sizes.other) + Number(sizes.indexes);

const folder = await openFolder(scope);
const context = { database, print: () => {}, onProgress: () => {}, signal: new AbortController().signal };
await measured("archived", () => archiveDays(context, { folder, store: folderStore(folder), before: dayAfter(day) }));
const [part] = await archivedParts(pool);
if (part.rows !== number) throw new Error(`${part.rows} of ${number} rows were archived`);
console.log(`Parquet ${aRow(part.bytes)}`);
console.log(
  `a year of a million feeds a day: ${year(inTable / number)} in the table, ${year(part.bytes / number)} in Parquet`,
);
await measured("read by a training", () =>
  readingLog(
    database,
    { lastDays: 28, onProgress: () => {} },
    async (client) => void (await client.query("select count(*) from recsys.impressions")),
  ),
);
await measured("restored", () => restoreDays(context, day, day));
const again = (
  await pool.query(`select pg_total_relation_size('${table}') as bytes, (select count(*) from ${table}) as rows`)
).rows[0];
console.log(`restored: ${again.rows} rows, ${aRow(again.bytes)}; ${load()}`);

function year(bytes: number): string {
  return `${((bytes * feedsOfYear * limit) / 1e12).toFixed(2)} TB`;
}

/** Prints the processor time of this process, and of the sessions of the database, each a million rows. */
async function measured(what: string, work: () => Promise<void>): Promise<void> {
  const own = process.cpuUsage();
  const before = await sessions();
  const latest = new Map(before);
  // a session may end before the work does
  const sampling = setInterval(async () => {
    for (const [pid, time] of await sessions()) latest.set(pid, time);
  }, 500);
  const started = performance.now();
  await work();
  clearInterval(sampling);
  for (const [pid, time] of await sessions()) latest.set(pid, time);
  const server = [...latest].reduce((sum, [pid, time]) => sum + time - (before.get(pid) ?? 0), 0) / 1000;
  const million = number / 1e6;
  console.log(
    `${what}: ${(ownProcessorTime(own) / million).toFixed(1)} s of a processor here and ${(server / million).toFixed(1)} s in PostgreSQL a million rows (${((performance.now() - started) / 1000).toFixed(0)} s)`,
  );
}

/** The processor time of each session so far, in milliseconds. */
async function sessions(): Promise<Map<number, number>> {
  const { rows } = await pool.query("select pid from pg_stat_activity where datname = current_database()");
  const times = rows.map(({ pid }): [number, number] => [pid, processorTime(pid)]);
  return new Map(times.filter(([, time]) => !Number.isNaN(time)));
}
