/** A Supabase project's `postgres` owns its database and is no superuser; `supabase db push` may bring one migration today and one next month. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import pg from "pg";
import { connect } from "./connect.ts";
import { migrate } from "./migrate.ts";
import { readMigrations } from "./migration-files.ts";
import { withoutPostgres } from "./testing.ts";
import { testServer } from "./testing-postgres.ts";

/** A database of an owner who may do what a project's `postgres` may; what the platform does as a superuser is done. */
async function ownedDatabase(t: TestContext): Promise<string> {
  const server = (await testServer()) as string;
  const name = `recsys_owned_${process.pid}`;
  const as = async (url: string, ...statements: string[]) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  };
  const at = (database: string, user?: string) => {
    const url = new URL(server);
    url.pathname = database;
    if (user) Object.assign(url, { username: user, password: user });
    return url.href;
  };
  t.after(() => as(server, `drop database if exists ${name} with (force)`, `drop role if exists ${name}`));
  await as(
    server,
    `create role ${name} login createrole password '${name}'`,
    `grant anon, authenticated, service_role, pg_monitor to ${name}`,
    `create database ${name} template template0 owner ${name}`,
  );
  await as(
    at(name),
    `create schema extensions authorization ${name}`,
    "create extension vector with schema extensions",
  );
  return at(name, name);
}

test("every migration applies in a session of its own, for an owner who is no superuser", {
  skip: await withoutPostgres(),
}, async (t) => {
  const url = await ownedDatabase(t);
  const migrations = await readMigrations();
  for (const [n, { version }] of migrations.entries()) {
    const database = await connect(url, { embedded: false });
    try {
      assert.deepEqual(await migrate(database, { migrations: migrations.slice(0, n + 1) }), [version]);
    } finally {
      await database.close();
    }
  }
  const database = await connect(url, { embedded: false });
  t.after(() => database.close());
  const { rows } = await database.pool.query(
    `select rolsuper, array(
       select oid::regprocedure::text from pg_proc where proconfig::text like '%hnsw.ef_search=%' and proowner = pg_roles.oid
     ) as functions
     from pg_roles where rolname = current_user`,
  );
  assert.equal(rows[0].rolsuper, false);
  assert.ok(rows[0].functions.length > 0, "there are functions for which the library has to be loaded");
});
