import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, openDatabase } from "../connect.ts";
import { migrate } from "../migrate.ts";
import type { Migration } from "../migration-files.ts";
import type { Scope } from "../testing.ts";
import { findServer, openTestCopy } from "../testing-postgres.ts";

const empty = { name: "empty", digest: async () => "0", fill: async () => {} };

/** A database with these migrations that is gone when the scope is over: on the PostgreSQL that tests use, or an embedded one. */
export async function scratchDatabase(scope: Scope, migrations: Migration[]): Promise<Database> {
  const database = await openEmpty(scope);
  await migrate(database, { migrations });
  return database;
}

/** One with nothing in it. */
export async function openEmpty(scope: Scope): Promise<Database> {
  const server = await findServer();
  if (server) {
    const database = await openTestCopy(server, "scratch", empty);
    scope.after(() => database.close());
    return database;
  }
  const folder = await mkdtemp(join(tmpdir(), "recsys-scratch-"));
  const database = await openDatabase({ folder });
  scope.after(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  return database;
}
