import { readdir, readFile } from "node:fs/promises";
import { UserError } from "./user-error.ts";

/** One file of supabase/migrations: `VERSION_NAME.sql`. */
export interface Migration {
  version: string;
  name: string;
  sql: string;
}

export const migrationsFolder = new URL("../supabase/migrations/", import.meta.url);

/** Reads the migrations in the order in which they apply. Throws a `UserError` when two have the same version. */
export async function readMigrations(folder = migrationsFolder): Promise<Migration[]> {
  const migrations: Migration[] = [];
  for (const file of (await readdir(folder)).sort()) {
    const [, version, name] = /^(\d+)_(.+)\.sql$/.exec(file) ?? [];
    // the Supabase CLI skips other files too
    if (version === undefined || name === undefined) continue;
    if (migrations.at(-1)?.version === version) {
      throw new UserError(`Two migrations have the version ${version}. Rename ${file} to a later one.`);
    }
    migrations.push({ version, name, sql: await readFile(new URL(file, folder), "utf8") });
  }
  return migrations;
}
