/** What an archive must survive: an end between any two statements, rows that come late, files that are damaged, and others who use the log. */
import assert from "node:assert/strict";
import { readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import pg from "pg";
import type { Database } from "../../db/connect.ts";
import { testDatabase, withOneSession } from "../../db/testing.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { getTypeParser } from "../../supabase/functions/_shared/database/pool.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { fillCommunity, people, post } from "../../testing/community.ts";
import { temporaryFolder } from "../testing.ts";
import { archiveDays } from "./archive-days.ts";
import { archivedParts } from "./archived-days.ts";
import { checksumOfTable } from "./impression-row.ts";
import { readingLog } from "./read-archived.ts";
import { restoreDays } from "./restore-days.ts";
import { archivableUntil } from "./retention.ts";
import { folderStore, requireSame } from "./store.ts";
import { archiveContext, daysAgo, logDay } from "./testing.ts";

const quiet = { lastDays: 28, onProgress: () => {} };
const skip = await withOneSession();
const database = await testDatabase({ after }, "archive_steps");
const { pool } = database;
const four = [1, 2, 3, 4].map(post);
const days = [42, 41, 40].map(daysAgo);
let folder: string;
let printed: string[];

await fillCommunity(pool);
await pool.query("update recsys.settings set impression_partition_interval = 'day'");

beforeEach(async (t) => {
  folder = await temporaryFolder(t as never);
  printed = [];
  await pool.query(
    "delete from recsys_engine.archived_days; delete from recsys.impressions; truncate recsys.experiments cascade",
  );
  for (const day of days) await logDay(pool, day, 50, people.ada, four);
});

const archive = async (of: Database = database, onProgress = (_: { step: string; done: number }) => {}) =>
  await archiveDays(
    { ...archiveContext(of, (line) => printed.push(line)), onProgress },
    { folder, store: folderStore(folder), before: await archivableUntil(pool) },
  );
const restore = async (from = days[0], to = days[2]) =>
  await restoreDays(
    archiveContext(database, (line) => printed.push(line)),
    from,
    to,
  );
const inTable = async () =>
  (
    await run(
      pool,
      db
        .selectFrom("recsys.impressions")
        .select([checksumOfTable.as("checksum"), ({ fn }) => fn.countAll<number>().as("rows")]),
    )
  )[0];

/** Rows and checksum of the table and of all files that stand for rows, which are read. */
async function everywhere(): Promise<{ rows: number; checksum: string }> {
  const table = await inTable();
  let [rows, checksum] = [table.rows, BigInt(table.checksum)];
  for (const part of await archivedParts(pool)) {
    if (part.restoredAt !== null) continue;
    await requireSame(join(folder, part.path), part);
    rows += part.rows;
    checksum += BigInt(part.checksum);
  }
  return { rows, checksum: `${checksum}` };
}

/** A database whose connections are cut at a statement; returns whether that statement was sent. */
async function dying(at: number, work: (of: Database) => Promise<void>): Promise<boolean> {
  let statements = 0;
  const own = new pg.Pool({ connectionString: database.url, types: { getTypeParser } });
  own.on("error", () => {});
  own.on("connect", (client) => {
    client.on("error", () => {});
    const query = client.query.bind(client);
    client.query = ((...args: Parameters<typeof query>) => {
      if (++statements >= at)
        (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
      return query(...args);
    }) as typeof client.query;
  });
  try {
    await work({ ...database, pool: own });
    return false;
  } catch {
    return true;
  } finally {
    await own.end();
  }
}

test("ended at any statement, nothing is lost or there twice, and the next run goes on", { skip }, async () => {
  const all = await inTable();
  let runs = 0;
  // each run comes one statement further than the one before
  while (await dying(4 + runs, archive)) {
    runs++;
    assert.deepEqual(await everywhere(), all, `ended at statement ${3 + runs}`);
    // the table of a day that was detached is dropped before anything else
    assert.ok(runs < 200);
  }
  assert.ok(runs >= 20, `${runs}`);
  assert.deepEqual(await everywhere(), all);
  assert.equal((await inTable()).rows, 0);
  const { rowCount } = await pool.query(
    "select from recsys_engine.impression_partitions where first < now() - interval '31 days'",
  );
  assert.equal(rowCount, 0);
  let restores = 0;
  while (await dying(4 + restores, (of) => restoreDays(archiveContext(of), days[0], days[2]))) {
    restores++;
    assert.deepEqual(await everywhere(), all, `ended at statement ${3 + restores} of restoring`);
  }
  assert.ok(restores >= 8, `${restores}`);
  assert.deepEqual(await inTable(), all);
});

test("what changes while a day is exported is in its file", { skip }, async () => {
  let changed = false;
  await archive(database, ({ step }) => {
    if (step !== "reading it back" || changed) return;
    changed = true;
    late = pool.query(
      `update recsys.impressions set seen_at = shown_at where shown_at < $1::date + 1 and position = 1`,
      [days[0]],
    );
  });
  await late;
  assert.ok(changed);
  await restore();
  const { rows } = await pool.query("select count(*)::int as seen from recsys.impressions where seen_at is not null");
  assert.equal(rows[0].seen, 50);
  assert.deepEqual((await readdir(join(folder, `day=${days[0]}`))).length, 1);
});
let late: Promise<unknown> | undefined;

test("rows that come for an archived day become another file of it", { skip }, async () => {
  await archive();
  await logDay(pool, days[1], 5, people.ada, four);
  const all = await everywhere();
  await archive();
  assert.deepEqual(await everywhere(), all);
  assert.deepEqual(
    (await archivedParts(pool)).map(({ day, part, rows }) => [day, part, rows]),
    [
      [days[0], 1, 200],
      [days[1], 1, 200],
      [days[1], 2, 20],
      [days[2], 1, 200],
    ],
  );
  // and while they wait in the table, the day comes back to them
  await logDay(pool, days[2], 3, people.ada, four);
  const more = await everywhere();
  await restore();
  assert.deepEqual(await inTable(), more);
});

test("what was restored stays for a week; then the file is kept where it still fits, and another takes its place where not", {
  skip,
}, async () => {
  await archive();
  await restore();
  await archive();
  assert.equal((await inTable()).rows, 600);
  assert.ok(printed.includes(`${days[0]} was restored, and stays in the table for a week`));
  await restore();
  assert.ok(printed.includes(`${days[0]} is in the table already`));
  await pool.query("update recsys_engine.archived_days set restored_at = now() - interval '8 days'");
  await pool.query("delete from recsys.impressions where post_id = $1 and shown_at < $2::date + 1", [post(2), days[0]]);
  const all = await inTable();
  await archive();
  assert.deepEqual(await everywhere(), all);
  assert.deepEqual(
    (await archivedParts(pool)).map(({ day, part, rows, restoredAt }) => [day, part, rows, restoredAt]),
    [
      [days[0], 2, 150, null],
      [days[1], 1, 200, null],
      [days[2], 1, 200, null],
    ],
  );
  assert.deepEqual(await readdir(join(folder, `day=${days[0]}`)), ["impressions-2.parquet"]);
});

test("the purge leaves what was restored, and what it dropped later is read from its file again", {
  skip,
}, async () => {
  await archive();
  await restore();
  const all = await inTable();
  await pool.query("update recsys.settings set impressions_kept = '32 days'");
  await pool.query("select recsys_engine.purge_impressions()");
  assert.deepEqual(await inTable(), all);
  await pool.query("update recsys_engine.archived_days set restored_at = now() - interval '8 days'");
  await pool.query("select recsys_engine.purge_impressions()");
  await pool.query("update recsys.settings set impressions_kept = '6 months'");
  assert.equal((await inTable()).rows, 0);
  assert.deepEqual(await everywhere(), all);
});

test("a file that is gone or damaged is said in a line, and nothing is changed", { skip }, async () => {
  await archive();
  const [first, second, third] = (await archivedParts(pool)).map(({ path }) => join(folder, path));
  await rm(first);
  await truncate(second, 100);
  await writeFile(third, "PAR1");
  const read = () => readingLog(database, quiet, async () => {});
  await assert.rejects(
    read(),
    /UserError.*impressions-1.parquet, which holds .* is not there: bring it back, or say in recsys_engine.archived_days.location/,
  );
  await assert.rejects(restore(), /is not there/);
  await assert.rejects(restore(days[1], days[1]), /is not what was archived of .* bring back the file as it was/);
  await assert.rejects(restore(days[2], days[2]), /is not what was archived/);
  assert.equal((await inTable()).rows, 0);
  await assert.rejects(restore("2001-01-01", "2001-01-02"), /no day from 2001-01-01 to 2001-01-02 is archived/);
});

test("a second run at the same time is refused, and a day that is read is waited for, not its readers", {
  skip,
}, async () => {
  const reader = await pool.connect();
  try {
    await reader.query("begin; select count(*) from recsys.impressions");
    const first = archive();
    await new Promise((later) => setTimeout(later, 700));
    await assert.rejects(archive(), /another `recsys archive` runs/);
    // it waits for the lock, a second at a time, and feeds behind it do not wait longer
    const begun = performance.now();
    await logDay(pool, daysAgo(0), 1, people.ada, four);
    assert.ok(performance.now() - begun < 3000);
    await reader.query("commit");
    await first;
    assert.equal((await archivedParts(pool)).length, 3);
  } finally {
    await reader.query("rollback");
    reader.release();
  }
});

test("days that an experiment counts, and a day that is not whole, stay", { skip }, async () => {
  await pool.query(
    `insert into recsys.experiments (name, layer, salt, outcome_window, max_loss, started_at, counted_from) values
       ('early', 'feed', 's', '1 hour', 0.1, now() - interval '10 days', $1::date + 1)`,
    [days[0]],
  );
  await archive();
  assert.deepEqual(
    (await archivedParts(pool)).map(({ day }) => day),
    [days[0]],
  );
  assert.ok(
    printed.includes(`days from ${days[1]} on stay in the table: experiment early runs and counts them`),
    `${printed}`,
  );
});

test("a stop ends it between two steps", { skip }, async () => {
  const stopping = new AbortController();
  const context = archiveContext(database);
  const all = await inTable();
  const onProgress = ({ step }: { step: string }) => step === "reading it back" && stopping.abort(new Error("by hand"));
  await assert.rejects(
    archiveDays(
      { ...context, signal: stopping.signal, onProgress: (progress) => void onProgress(progress) },
      { folder, store: folderStore(folder), before: await archivableUntil(pool) },
    ),
    /by hand/,
  );
  assert.deepEqual(await everywhere(), all);
  await archive();
  assert.deepEqual(await everywhere(), all);
});

test("training loads the last days of the log, and of earlier ones what was promoted since it asks for", {
  skip,
}, async () => {
  await pool.query("update recsys.impressions set promotion_id = 7 where position = 2");
  await archive();
  const found = await readingLog(database, { ...quiet, lastDays: 0 }, async (client, loadPromoted) => {
    const counted = async () =>
      (
        await client.query(
          "select (shown_at at time zone 'UTC')::date::text as day, count(*)::int as n from recsys.impressions group by 1 order by 1",
        )
      ).rows.map(({ day, n }) => [day, n]);
    const first = await counted();
    await loadPromoted(Date.parse(days[1]) + 3_600_000);
    const second = await counted();
    await loadPromoted(Date.parse(days[0]));
    return [first, second, await counted()];
  });
  assert.deepEqual(found, [
    [[days[2], 200]],
    [
      [days[1], 50],
      [days[2], 200],
    ],
    [
      [days[0], 50],
      [days[1], 50],
      [days[2], 200],
    ],
  ]);
  // a process without archived days reads, and cannot write
  await restore();
  await assert.rejects(
    readingLog(database, quiet, async (client) => {
      await client.query("delete from recsys.impressions");
    }),
    /read-only transaction/,
  );
});

test("nothing comes back of users and posts that are gone, or of who wants no personalisation", { skip }, async () => {
  await pool.query("update recsys.impressions set user_id = $1 where position = 1", [people.ben]);
  await pool.query("update recsys.impressions set user_id = gen_random_uuid() where position = 2");
  await pool.query("update recsys.impressions set promotion_id = 7");
  await archive();
  await pool.query("insert into public.preferences (user_id, kind, value) values ($1, 'feed', 'impersonal')", [
    people.ben,
  ]);
  await pool.query("delete from public.posts where id = $1", [post(3)]);
  const read = async (client: Pick<pg.Pool, "query">) =>
    (await client.query("select distinct user_id, post_id from recsys.impressions")).rows;
  const left = [{ user_id: people.ada, post_id: post(4) }];
  assert.deepEqual(await readingLog(database, quiet, read), left);
  await restore();
  assert.deepEqual(await read(pool), left);
  assert.ok(
    printed.includes(`${days[0]}: 50 rows, without 150 of users and posts that are gone or want no personalisation`),
    `${printed}`,
  );
});
