import { readFile } from "node:fs/promises";
import type pg from "pg";
import type { Database } from "./connect.ts";
import { describeUrl } from "./connection-errors.ts";
import { type Migration, readMigrations } from "./migration-files.ts";
import type { OnProgress } from "./progress.ts";
import { UserError } from "./user-error.ts";

export interface MigrateOptions {
  /** Called before each migration that is applied, and after the last: `done` of `total` are applied. */
  onProgress?: OnProgress;
  /** Migrations other than those of this checkout, for tests. */
  migrations?: Migration[];
}

/**
 * Applies the migrations that the database lacks, each in a transaction of its own, and returns their versions. Records them where
 * `supabase db push` does. A plain PostgreSQL gets stubs.sql first. Throws a `UserError` where the recorded ones do not fit.
 */
export async function migrate(database: Database, options: MigrateOptions = {}): Promise<string[]> {
  const migrations = options.migrations ?? (await readMigrations());
  const client = await database.pool.connect();
  try {
    await requireVector(client, database.url);
    await transaction(client, async () => {
      await client.query(oneAtATime);
      await client.query(await readFile(new URL("./stubs.sql", import.meta.url), "utf8"));
      await client.query(historyTable);
    });
    const pending = findPending(migrations, await readHistory(client));
    const applied: string[] = [];
    for (const migration of pending) {
      options.onProgress?.({ step: "migrations", done: applied.length, total: pending.length });
      if (await apply(client, migration)) applied.push(migration.version);
    }
    if (pending.length > 0) options.onProgress?.({ step: "migrations", done: pending.length, total: pending.length });
    return applied;
  } finally {
    client.release();
  }
}

const oneAtATime = "select pg_advisory_xact_lock(hashtext('supabase_migrations'))";

// as the Supabase CLI makes it
const historyTable = `
  create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
  alter table supabase_migrations.schema_migrations add column if not exists statements text[];
  alter table supabase_migrations.schema_migrations add column if not exists name text`;

async function requireVector(client: pg.PoolClient, url: string): Promise<void> {
  const { rowCount } = await client.query("select from pg_available_extensions where name = 'vector'");
  if (rowCount === 0) {
    throw new UserError(
      `The PostgreSQL at ${describeUrl(url)} has no pgvector. On Debian: apt-get install postgresql-17-pgvector (npm run setup:postgres does it).`,
    );
  }
}

async function readHistory(client: pg.PoolClient): Promise<string[]> {
  const { rows } = await client.query<{ version: string }>(
    "select version from supabase_migrations.schema_migrations order by version",
  );
  return rows.map((row) => row.version);
}

function findPending(migrations: Migration[], applied: string[]): Migration[] {
  const known = new Set(migrations.map((migration) => migration.version));
  const foreign = applied.find((version) => !known.has(version));
  if (foreign !== undefined) {
    throw new UserError(
      `The database has migration ${foreign}, which is not in supabase/migrations. Update this checkout, or use another database.`,
    );
  }
  const pending = migrations.filter((migration) => !applied.includes(migration.version));
  const late = pending.find((migration) => migration.version < (applied.at(-1) ?? ""));
  if (late !== undefined) {
    throw new UserError(
      `Migration ${late.version}_${late.name} comes before ${applied.at(-1)}, which the database already has. Give it a later version.`,
    );
  }
  return pending;
}

/** Returns false when another process was faster. */
async function apply(client: pg.PoolClient, { version, name, sql }: Migration): Promise<boolean> {
  return await transaction(client, async () => {
    await client.query(oneAtATime);
    if ((await readHistory(client)).includes(version)) return false;
    try {
      await client.query(sql);
    } catch (error) {
      const line = lineOf(sql, error);
      throw new UserError(`Migration ${version}_${name}.sql${line} fails: ${(error as Error).message}`, {
        cause: error,
      });
    }
    await client.query(
      "insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)",
      [version, name, [sql]],
    );
    return true;
  });
}

function lineOf(sql: string, error: unknown): string {
  const position = Number((error as pg.DatabaseError).position);
  return position > 0 ? `, line ${sql.slice(0, position).split("\n").length},` : "";
}

async function transaction<T>(client: pg.PoolClient, body: () => Promise<T>): Promise<T> {
  await client.query("begin");
  try {
    const result = await body();
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}
