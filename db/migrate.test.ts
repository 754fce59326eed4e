import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Database } from "./connect.ts";
import { migrate } from "./migrate.ts";
import { type Migration, migrationsFolder, readMigrations } from "./migration-files.ts";
import { onBoth, testDatabase, withoutPostgres } from "./testing.ts";

const noPostgres = await withoutPostgres();

const supabase = fileURLToPath(new URL("../node_modules/.bin/supabase", import.meta.url));

async function recorded(database: Database): Promise<string[]> {
  const { rows } = await database.pool.query<{ version: string }>(
    "select version from supabase_migrations.schema_migrations order by version",
  );
  return rows.map((row) => row.version);
}

/** Takes everything but the stubs out of a migrated database. */
async function undoMigrations(database: Database): Promise<void> {
  await database.pool.query(
    "drop schema recsys, recsys_engine, public, supabase_migrations cascade; create schema public; grant usage on schema public to public",
  );
}

/** `supabase db push` with the migrations of a folder of its own, which leaves this checkout's supabase/.temp alone. */
async function push(t: { after(clean: () => Promise<void>): void }, database: Database): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-push-"));
  t.after(() => rm(folder, { recursive: true }));
  await cp(fileURLToPath(migrationsFolder), join(folder, "supabase/migrations"), { recursive: true });
  const { stdout, stderr } = await promisify(execFile)(
    supabase,
    ["db", "push", "--db-url", `${database.url.split("?")[0]}?sslmode=disable`, "--yes", "--workdir", folder],
    { env: { ...process.env, SUPABASE_TELEMETRY_DISABLED: "1" }, timeout: 60_000 },
  );
  return stdout + stderr;
}

onBoth("a second run applies nothing", async (_t, database) => {
  const versions = (await readMigrations()).map((migration) => migration.version);
  assert.deepEqual(await recorded(database), versions);
  assert.deepEqual(await migrate(database), []);
});

onBoth("migrations apply in order and once, even when two start at the same time", async (_t, database) => {
  await undoMigrations(database);
  const versions = (await readMigrations()).map((migration) => migration.version);
  const [first, second] = await Promise.all([migrate(database), migrate(database)]);
  assert.deepEqual([...first, ...second].sort(), versions);
});

onBoth("a migration that fails leaves nothing behind and says where it stopped", async (_t, database) => {
  const broken: Migration = {
    version: "20990101000000",
    name: "broken",
    sql: "create table public.half (n int);\nselect nonsense;\n",
  };
  const migrations = [...(await readMigrations()), broken];
  await assert.rejects(migrate(database, { migrations }), {
    name: "UserError",
    message: /^Migration 20990101000000_broken\.sql, line 2, fails: column "nonsense" does not exist$/,
  });
  const { rows } = await database.pool.query("select to_regclass('public.half') as half");
  assert.equal(rows[0].half, null);
  assert.ok(!(await recorded(database)).includes("20990101000000"));
});

test("a history that does not fit is refused", async (t) => {
  const database = await testDatabase(t);
  const migrations = await readMigrations();
  await assert.rejects(migrate(database, { migrations: migrations.slice(0, -1) }), {
    name: "UserError",
    message: /has migration \d+, which is not in supabase\/migrations\. Update this checkout/,
  });
  const late: Migration = { version: "20261125000161", name: "late", sql: "select 1" };
  const withLate = [...migrations, late].sort((a, b) => a.version.localeCompare(b.version));
  await assert.rejects(migrate(database, { migrations: withLate }), {
    name: "UserError",
    message: /^Migration 20261125000161_late comes before \d+, which the database already has/,
  });
});

test("`supabase db push` and migrate see each other's work", { skip: noPostgres }, async (t) => {
  const database = await testDatabase(t, "push");
  const versions = (await readMigrations()).map((migration) => migration.version);

  assert.match(await push(t, database), /up to date/);

  await undoMigrations(database);
  assert.match(await push(t, database), /Applying migration/);
  assert.deepEqual(await recorded(database), versions);
  assert.deepEqual(await migrate(database), []);
});
