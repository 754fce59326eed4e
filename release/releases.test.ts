/** A database of each release, with a row in each table and a model that serves, becomes today's: as a fresh installation, nothing lost, the same feed. */
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { migrate } from "../db/migrate.ts";
import { readMigrations } from "../db/migration-files.ts";
import { withoutPostgres } from "../db/testing.ts";
import { catalogOf, differences } from "../db/upgrade/catalog.ts";
import { verifyReleased } from "../db/upgrade/migrations.ts";
import { checkout, readChecksums, releaseOf } from "../db/upgrade/schema-files.ts";
import { scratchDatabase } from "../db/upgrade/scratch.ts";
import { countsOf } from "./rows-everywhere.ts";
import { dumpOf, feedOfAda, restoreDump, restoreSnapshot } from "./snapshot.ts";

const skip = await withoutPostgres();
const snapshots = globSync("db/releases/*.sql.gz", { cwd: checkout }).map((file) => basename(file, ".sql.gz"));
const schedules = "recsys_engine.planned_schedules";
const released = [...readChecksums().keys()].flatMap((file) => releaseOf(file) ?? []);

test("each release has its database, and its migration is as it was released", () => {
  verifyReleased();
  assert.deepEqual(snapshots.sort(), released.sort());
});

for (const version of snapshots)
  test(`${version} becomes today's`, { skip }, async (t) => {
    const { database, facts } = await restoreSnapshot(t, join(checkout, "db/releases", version));
    const before = await countsOf(database);
    assert.deepEqual(
      Object.keys(before).filter((table) => before[table] === "0"),
      [],
    );
    await migrate(database);
    // a dump writes an expression as PostgreSQL reads it, which reads that again with other brackets
    const fresh = await restoreDump(t, await dumpOf((await scratchDatabase(t, await readMigrations())).url));
    const upgraded = await restoreDump(t, await dumpOf(database.url));
    assert.deepEqual(differences(await catalogOf(upgraded), await catalogOf(fresh)), []);
    const after = await countsOf(database);
    // the schedules are what the engine brings itself: those of today
    const expected = { ...before, [schedules]: (await countsOf(fresh))[schedules] };
    for (const [table, count] of Object.entries(expected)) assert.equal(after[table] ?? count, count, table);
    assert.deepEqual(await feedOfAda(t, database.url), facts.feed);
  });

test("a place by a tag, which 1.0.0 let in, pins nothing after the upgrade, and check says what to do", {
  skip,
}, async (t) => {
  const { database, facts } = await restoreSnapshot(t, join(checkout, "db/releases", "1.0.0"));
  const { pool, url } = database;
  const last = facts.feed.at(-1);
  await pool.query("delete from recsys.promotions");
  await pool.query("update public.posts set tags = '{sale}' where id = $1", [last]);
  await pool.query(
    `insert into recsys.promotions (name, filter, place, ends_at) values ('by a tag', '{"tags": ["sale"]}', 1, recsys.clock() + interval '1 day')`,
  );
  await migrate(database);
  assert.notEqual((await feedOfAda(t, url))[0], last);
  const found = () => pool.query("select stops, problem, cure from recsys.check() where problem ~ 'promotion'");
  const [{ stops, problem, cure }] = (await found()).rows;
  assert.equal(stops, false);
  assert.match(problem, /promotion \d+ has place 1 for posts that anybody may write, and pins nothing/);
  await pool.query(cure.split(";")[0]);
  assert.deepEqual((await found()).rows, []);
  // and one that names the post has its place
  await pool.query("update recsys.promotions set place = 1, factor = null, filter = null, post_id = $1", [last]);
  assert.equal((await feedOfAda(t, url))[0], last);
});
