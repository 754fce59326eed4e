/** For a process that runs many test files: an embedded database in memory that one file leaves to the next, emptied. */
import assert from "node:assert/strict";
import pg from "pg";
import { connect, type Database } from "./connect.ts";
import type { EmbeddedReference } from "./embedded.ts";

interface Kept {
  server: EmbeddedReference;
  /** What the dump has. */
  dumped: State;
}

interface State {
  /** Per catalog its number of rows and the last transaction that wrote one; of relations what TRUNCATE and ANALYZE leave alone. */
  catalogs: string;
  /** The rows of each table that has any, in the order in which they lie there. */
  contents: Record<string, object[]>;
  sequences: { name: string; value: string; called: boolean }[];
}

let isKeeping = false;
let kept: Kept | undefined;
/** Left by the file that still runs: what it began may not be over. */
let closed: Kept | undefined;

/** Tells that a test file is over, and that others follow in this process. */
export async function keepForNextFile(): Promise<void> {
  isKeeping = true;
  if (closed) await kept?.server.release();
  kept = closed ?? kept;
  closed = undefined;
}

/** Ends what is kept, before this process ends. */
export async function endKept(): Promise<void> {
  await Promise.all([kept?.server.release(), closed?.server.release()]);
}

/** The database that an earlier file left, as it was in the dump; undefined where there is none that can be brought back to that. */
export async function openKept(): Promise<Database | undefined> {
  const found = kept;
  kept = undefined;
  if (!found) return undefined;
  try {
    if (await clear(found)) return await open(found);
  } catch {
    // a new one takes its place
  }
  await found.server.release();
  return undefined;
}

/** Opens a database that has just come out of the dump. */
export async function openNew(server: EmbeddedReference): Promise<Database> {
  if (!isKeeping) return await connect(server.url, { embedded: true, release: server.release });
  return await open({ server, dumped: await withSession(server.url, stateOf) });
}

async function open(found: Kept): Promise<Database> {
  const release = async () => {
    if (closed) await found.server.release();
    else closed = found;
  };
  return await connect(found.server.url, { embedded: true, release });
}

async function withSession<T>(url: string, body: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}

/** Empties a database and puts back the rows of the dump; false where more than rows has changed. */
async function clear({ server, dumped }: Kept): Promise<boolean> {
  return await withSession(server.url, async (client) => {
    await client.query("discard all");
    if ((await catalogsOf(client)) !== dumped.catalogs) return false;
    const filled = await filledTables(client);
    // neither triggers nor foreign keys have a say
    await client.query("set session_replication_role = replica");
    if (filled.length > 0) await client.query(`truncate ${filled.join(", ")}`);
    for (const [table, rows] of Object.entries(dumped.contents))
      await client.query(
        `insert into ${table} overriding system value select * from jsonb_populate_recordset(null::${table}, $1)`,
        [JSON.stringify(rows)],
      );
    for (const { name, value, called } of dumped.sequences)
      await client.query("select setval($1::regclass, $2, $3)", [name, value, called]);
    await client.query("delete from pg_statistic where starelid >= 16384");
    await client.query("discard all");
    assert.deepEqual(await stateOf(client), dumped);
    return true;
  });
}

async function stateOf(client: pg.Client): Promise<State> {
  const contents: State["contents"] = {};
  for (const table of await filledTables(client)) {
    const { rows } = await client.query(`select to_jsonb(t) as row from ${table} t`);
    if (rows.length > 0) contents[table] = rows.map(({ row }) => row);
  }
  const names = await client.query<{ name: string }>(
    "select oid::regclass::text as name from pg_class where relkind = 'S' order by oid",
  );
  const sequences: State["sequences"] = [];
  for (const { name } of names.rows) {
    const { rows } = await client.query(`select last_value as value, is_called as called from ${name}`);
    sequences.push({ name, ...rows[0] });
  }
  return { catalogs: await catalogsOf(client), contents, sequences };
}

/** Tables that take any room; one without rows may be among them. */
async function filledTables(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
     where relkind = 'r' and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
       and pg_relation_size(oid) > 0
     order by oid`,
  );
  return rows.map(({ name }) => name);
}

async function catalogsOf(client: pg.Client): Promise<string> {
  const { rows: names } = await client.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
     where relkind = 'r' and relnamespace = 'pg_catalog'::regnamespace
       and relname not in ('pg_class', 'pg_statistic', 'pg_statistic_ext_data')
     order by oid`,
  );
  const each = names.map(({ name }) => `(select format('%s %s', count(*), max(xmin::text::bigint)) from ${name})`);
  const { rows } = await client.query<{ digest: string }>(
    `select concat_ws(',', ${each.join(", ")}, (
       select md5(string_agg((to_jsonb(c) - '{relfilenode,relpages,reltuples,relallvisible,relfrozenxid,relminmxid}'::text[])::text, ',' order by oid))
       from pg_class c)) as digest`,
  );
  return rows[0].digest;
}
