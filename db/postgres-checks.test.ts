// What only a real PostgreSQL can say about the migrations.
import assert from "node:assert/strict";
import { test } from "node:test";
import { advisorFindings } from "../testing/advisors.ts";
import { createReverseScope, testDatabase, withoutPostgres } from "./testing.ts";
import { cronDatabase, withoutCluster } from "./testing-cluster.ts";
import { makePgNetAndVault } from "./testing-supabase.ts";

const noCluster = await withoutCluster();

const skip = await withoutPostgres();

test("plpgsql_check has nothing to say about any function", { skip: noCluster }, async (t) => {
  // a cluster of its own, or it would miss what takes a pg_cron; the connection goes before the server
  const scope = createReverseScope(t);
  const { pool } = await cronDatabase(scope);
  await pool.query("create extension plpgsql_check with schema extensions");
  // or it would miss what is only on Supabase
  await makePgNetAndVault(pool);
  // or its trigger has no table
  await pool.query("select recsys_engine.follow_replication()");
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
     where functions.pronamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and functions.prolang = (select oid from pg_language where lanname = 'plpgsql')`,
  );
  assert.ok(rows.length >= 6, "the functions have been looked at");
  // it explains the statements of recsys_engine.check_indexes(), and its callers may run any
  const runsStatements = new Set(["recsys_engine.explained(text,text)"]);
  assert.deepEqual(
    rows.filter(({ name, finding }) => finding !== null && !runsStatements.has(name)),
    [],
  );
});

test("`supabase db advisors` finds nothing at level warn except the faults that this test adds", {
  skip,
}, async (t) => {
  const { url, pool } = await testDatabase(t, "advisors");
  const database = `${url.split("?")[0]}?sslmode=disable`;
  await pool.query("create function recsys.loose() returns int language sql as 'select 1'");
  const [finding, ...others] = await advisorFindings(database);
  assert.match(finding, /^function_search_path_mutable: .*recsys.loose/, "what it leaves out is not all");
  assert.deepEqual(others, []);
});
