/** A Supabase project's `postgres` owns its database and is no superuser; `supabase db push` may bring one migration today and one next month. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "./connect.ts";
import { migrate } from "./migrate.ts";
import { readMigrations } from "./migration-files.ts";
import { withoutPostgres } from "./testing.ts";
import { ownedDatabase } from "./testing-owned.ts";

const noPostgres = await withoutPostgres();

test("every migration applies in a session of its own, for an owner who is no superuser", {
  skip: noPostgres,
}, async (t) => {
  const { url } = await ownedDatabase(t);
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
