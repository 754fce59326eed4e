import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Database } from "../db/connect.ts";
import { readMigrations } from "../db/migration-files.ts";
import type { Scope } from "../db/testing.ts";
import { openEmpty, scratchDatabase } from "../db/upgrade/scratch.ts";
import { UserError } from "../db/user-error.ts";
import { testApp } from "../supabase/functions/recommend/testing.ts";
import { people } from "../testing/community.ts";
import { fillEverything } from "./rows-everywhere.ts";

/** What is kept with the database of a release: when it was made, and ada's feed by the functions of that release. */
export interface SnapshotFacts {
  made_at: string;
  feed: string[];
}

/**
 * Writes a database of this version, with a row in each table and a model that serves, as `FILE.sql.gz`, and the facts of it as `FILE.json`. Later
 * versions upgrade it in their tests. Needs a PostgreSQL and its pg_dump.
 */
export async function writeSnapshot(scope: Scope, file: string): Promise<void> {
  const { url, pool } = await scratchDatabase(scope, await readMigrations());
  await fillEverything(pool);
  const { rows } = await pool.query("select now()::text as now");
  const facts: SnapshotFacts = { made_at: rows[0].now, feed: await feedOfAda(scope, url) };
  await writeFile(`${file}.sql.gz`, gzipSync(await dumpOf(url), { level: 9 }));
  await writeFile(`${file}.json`, `${JSON.stringify(facts, null, 2)}\n`);
}

/** A database as SQL, without commands of psql. */
export async function dumpOf(url: string): Promise<string> {
  const dump = globSync("/usr/lib/postgresql/*/bin/pg_dump").sort().at(-1) ?? "pg_dump";
  const options = ["--no-owner", "--inserts", "--rows-per-insert=100"];
  const { stdout } = await promisify(execFile)(dump, [...options, url], { maxBuffer: 1 << 28 });
  return stdout.replace(/^\\.*\n/gm, "");
}

export async function restoreDump(scope: Scope, sql: string): Promise<Database> {
  const database = await openEmpty(scope);
  const client = await database.pool.connect();
  try {
    await client.query(sql);
  } finally {
    // the dump took its search_path
    client.release(true);
  }
  return database;
}

/** A database as the release left it, at its own time. */
export async function restoreSnapshot(
  scope: Scope,
  file: string,
): Promise<{ database: Database; facts: SnapshotFacts }> {
  const facts: SnapshotFacts = JSON.parse(await readFile(`${file}.json`, "utf8"));
  const database = await restoreDump(scope, gunzipSync(await readFile(`${file}.sql.gz`)).toString());
  await database.pool.query("update recsys.settings set clock_shift = now() - $1::timestamptz", [facts.made_at]);
  return { database, facts };
}

/** The posts that ada is shown first. Nothing of that is logged. */
export async function feedOfAda(scope: Scope, url: string): Promise<string[]> {
  const { status, body } = await testApp(scope, url, { preview: true }).call(people.ada, { limit: 20 });
  if (status !== 200 || body.degraded !== null || body.model?.name !== "tiny")
    throw new UserError(
      `the feed is no longer that of the model: ${status} ${body.degraded ?? JSON.stringify(body.error)}`,
    );
  return body.items.map(({ post_id }) => post_id);
}
