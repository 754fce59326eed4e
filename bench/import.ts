/**
 * Measures the speed and memory of an import: `node bench/import.ts [FOLDER]`; without a folder, a synthetic community. Runs
 * on PostgreSQL, where it also counts the time of triggers on watched tables, and on the embedded database.
 */
import type { Database } from "../db/connect.ts";
import { importBundle } from "../db/import/import-bundle.ts";
import { openEmbeddedCopy } from "../db/testing-embedded.ts";
import { openPostgresCopy, testServer } from "../db/testing-postgres.ts";
import { load, processorTime } from "./shared/times.ts";
import { benchmarkBundle, openScope } from "./shared/workspace.ts";

await using scope = openScope();
const folder = await benchmarkBundle(scope, process.argv[2]);
const server = await testServer();
if (server) await measure("PostgreSQL", await openPostgresCopy(server, "bench"));
await measure("embedded", await openEmbeddedCopy());

async function measure(name: string, database: Database): Promise<void> {
  scope.after(() => database.close());
  const { pool, embedded } = database;
  let imported = 0;
  // the pool's one idle connection, which the import takes
  if (!embedded) await pool.query("set track_functions = 'pl'");
  const session: number = embedded ? 0 : (await pool.query("select pg_backend_pid() as pid")).rows[0].pid;
  const before = processorTime(session);
  let processor = 0;
  const loadBefore = load();
  const started = performance.now();
  const report = await importBundle(database, folder, {
    onProgress: ({ step }) => {
      if (!step.startsWith("import")) return;
      imported = performance.now();
      processor = (processorTime(session) - before) / 1000;
    },
  });
  const ended = performance.now();
  const { users, posts, interactions, logins, impressions } = report;
  const rows = [users, posts, interactions, logins, impressions].reduce((sum, part) => sum + part.read, 0);
  console.log(
    [
      name.padEnd(10),
      `${rows} rows in ${((imported - started) / 1000).toFixed(1)} s: ${Math.round((rows / (imported - started)) * 1000)} rows/s`,
      `roll-up and statistics ${((ended - imported) / 1000).toFixed(1)} s`,
      ...(embedded ? [] : [`the session's processor time ${processor.toFixed(1)} s`, await triggers(pool)]),
      loadBefore,
      `peak memory so far ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`,
    ].join("   "),
  );
}

/** How long the engine's trigger functions ran, each with how often. */
async function triggers(pool: Database["pool"]): Promise<string> {
  const { rows } = await pool.query(
    `select format('%s %s s in %s calls', counted.funcname, round(counted.total_time::numeric / 1000, 2), counted.calls) as line
     from pg_stat_user_functions as counted join pg_proc on pg_proc.oid = counted.funcid
     where counted.schemaname in ('recsys', 'recsys_engine') and pg_proc.prorettype = 'trigger'::regtype order by counted.funcname`,
  );
  return rows.map(({ line }) => line).join(", ");
}
