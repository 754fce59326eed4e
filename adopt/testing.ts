/** For tests: databases of apps, with the engine installed next to their tables. */
import { readFile } from "node:fs/promises";
import type { Database } from "../db/connect.ts";
import { templateDigest } from "../db/template-digest.ts";
import type { Scope } from "../db/testing.ts";
import { openTestCopy, type Template, testServer } from "../db/testing-postgres.ts";
import { draftDatabase } from "./draft/draft-views.ts";
import { engineMigrations } from "./init/init.ts";

const engine: Template = {
  name: "engine",
  digest: async () => templateDigest(await engineMigrations()),
  async fill({ pool }) {
    await pool.query(await readFile(new URL("../db/stubs.sql", import.meta.url), "utf8"));
    for (const { sql } of await engineMigrations()) await pool.query(sql);
  },
};

/** Makes databases that hold the engine and nothing of an app; each is gone when the scope is over. */
export async function appDatabases(scope: Scope): Promise<(name: string) => Promise<Database>> {
  const server = (await testServer()) as string;
  return async (name) => {
    const database = await openTestCopy(server, `draft_${name}`, engine);
    scope.after(() => database.close());
    return database;
  };
}

/** An app of fixtures/. */
export async function fixture(name: string): Promise<string> {
  return await readFile(new URL(`fixtures/${name}.sql`, import.meta.url), "utf8");
}

/** Databases of apps, `adoptTables`: one of tables with its draft applied, what the draft was unsure of and what became of each table; and `adopt`: the same of a fixture. Without a PostgreSQL both throw. */
export async function draftedApps(scope: Scope) {
  const newDatabase = (await testServer())
    ? await appDatabases(scope)
    : () => Promise.reject(new Error("apps need a PostgreSQL"));
  const adoptTables = async (name: string, tables: string) => {
    const database = await newDatabase(name);
    await database.pool.query(tables);
    const { sql, unsure, coverage } = await draftDatabase(database.pool);
    await database.pool.query(sql);
    return { ...database, unsure, sql, coverage: coverage.lines };
  };
  const adopt = async (name: string, more = "") => await adoptTables(name, `${await fixture(name)};\n${more}`);
  return { newDatabase, adopt, adoptTables };
}

/** What a view shows: columns of its rows as text, in order. Posts are named by what they are called, people by the end of their uuid. */
export async function shown({ pool }: Database, view: string, columns: string): Promise<string[]> {
  const { rows } = await pool.query(
    `select concat_ws(' ', ${columns}) as line from recsys.source_${view} as it order by line`,
  );
  return rows.map(({ line }) => line);
}
