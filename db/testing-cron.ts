import pg from "pg";
import { withoutPostgres } from "./testing.ts";
import { testServer } from "./testing-postgres.ts";

/** Why pg_cron cannot run jobs on the test server; false when it can. Its tables are in one database of a cluster. */
export async function withoutCron(): Promise<false | string> {
  const server = await testServer();
  if (!server) return await withoutPostgres();
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    const { rows } = await client.query("select current_setting('cron.use_background_workers', true) = 'on' as runs");
    const { rowCount } = await client.query("select from pg_extension where extname = 'pg_cron'");
    return rows[0].runs && rowCount === 1 ? false : "pg_cron is not set up to run jobs: npm run setup:postgres";
  } finally {
    await client.end();
  }
}
