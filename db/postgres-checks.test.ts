// What only a real PostgreSQL can say about the migrations.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { testDatabase, withoutPostgres } from "./testing.ts";
import { cronDatabase, withoutCluster } from "./testing-cluster.ts";
import { makePgNetAndVault } from "./testing-supabase.ts";

const skip = await withoutPostgres();

test("plpgsql_check has nothing to say about any function", { skip: withoutCluster() }, async (t) => {
  // a cluster of its own, or it would miss what takes a pg_cron; the connection goes before the server
  const cleanings: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const clean of cleanings.reverse()) await clean();
  });
  const { pool } = await cronDatabase({ after: (clean) => void cleanings.push(clean) });
  await pool.query("create extension plpgsql_check with schema extensions");
  // or it would miss what is only on Supabase
  await makePgNetAndVault(pool);
  const { rows } = await pool.query<{ name: string; finding: string | null }>(
    `select functions.oid::regprocedure::text as name, checks.finding
     from pg_proc as functions
     -- a trigger function is checked with a table that it is attached to, and the rows that its trigger names
     left join lateral (
       select tgrelid, tgoldtable, tgnewtable from pg_trigger
       where tgfoid = functions.oid order by num_nonnulls(tgoldtable, tgnewtable) desc limit 1
     ) as attached on true
     left join lateral extensions.plpgsql_check_function(
       functions.oid, coalesce(attached.tgrelid, 0), all_warnings => true, oldtable => attached.tgoldtable, newtable => attached.tgnewtable
     ) as checks (finding) on true
     where functions.pronamespace = 'recsys'::regnamespace and functions.prolang = (select oid from pg_language where lanname = 'plpgsql')`,
  );
  assert.ok(rows.length >= 6, "the functions have been looked at");
  assert.deepEqual(
    rows.filter((row) => row.finding !== null),
    [],
  );
});

test("`supabase db advisors` finds nothing at level warn", { skip }, async (t) => {
  const { url, pool } = await testDatabase(t, "advisors");
  const folder = await mkdtemp(join(tmpdir(), "recsys-advisors-"));
  t.after(() => rm(folder, { recursive: true }));
  const supabase = fileURLToPath(new URL("../node_modules/.bin/supabase", import.meta.url));
  const database = `${url.split("?")[0]}?sslmode=disable`;
  const { stdout } = await promisify(execFile)(
    supabase,
    ["db", "advisors", "--db-url", database, "--level", "warn", "--output-format", "json", "--workdir", folder],
    { env: { ...process.env, SUPABASE_TELEMETRY_DISABLED: "1" }, timeout: 60_000 },
  );
  const findings: { name: string; detail: string; metadata: { name: string } }[] = JSON.parse(stdout).results;
  // the names in a body with "begin atomic" were bound when it was made: no search_path can turn them into others
  const { rows } = await pool.query("select proname from pg_proc where prosqlbody is not null");
  const bound = new Set(rows.map(({ proname }) => proname));
  assert.deepEqual(
    findings.filter(({ name, metadata }) => name !== "function_search_path_mutable" || !bound.has(metadata.name)),
    [],
  );
});
