/** For tests of `recsys try`: an app with a history, and a role that may only read it. */
import type pg from "pg";
import type { Database } from "../../db/connect.ts";
import type { Scope } from "../../db/testing.ts";
import { testServer, withClient } from "../../db/testing-postgres.ts";
import { appWithRows } from "../testing-whole-app.ts";

export interface AppToRead {
  app: Database;
  /** For a role that may select and nothing else. */
  url: string;
  role: string;
}

/** The app, and its URL for a role that may select and nothing else. */
export async function appToRead(scope: Scope): Promise<AppToRead> {
  const app = await appWithRows(scope, "aggregator", { people: 32, posts: 300, deeds: 2500 });
  const role = `recsys_try_${process.pid}`;
  // the database is dropped by then, and with it what the role may do there
  scope.after(async () => {
    await withClient((await testServer()) as string, (client) => client.query(`drop role ${role}`));
  });
  await app.pool.query(`
    create role ${role} login bypassrls password '${role}';
    grant usage on schema public, auth to ${role};
    grant select on all tables in schema public, auth to ${role}`);
  return { app, url: Object.assign(new URL(app.url), { username: role, password: role }).href, role };
}

/** The rows of the app's tables with the transactions that wrote them, their sizes, and the objects that are there. */
export async function stateOf(pool: pg.Pool): Promise<unknown> {
  const { rows: tables } = await pool.query<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'auth', 'private') order by name",
  );
  const states: unknown[] = [];
  for (const { name } of tables) {
    const state = `select pg_relation_size('${name}') as size, md5(string_agg(concat(it.ctid, it.xmin, it), '' order by it.ctid)) as rows from ${name} as it`;
    states.push(name, (await pool.query(state)).rows);
  }
  const { rows: objects } = await pool.query(
    `select oid::regclass::text as name from pg_class where relnamespace::regnamespace::text !~ '^pg_(toast_)?temp' union all
     select oid::regprocedure::text from pg_proc where pronamespace::regnamespace::text !~ '^pg_temp' union all select nspname from pg_namespace order by name`,
  );
  return { states, objects };
}
