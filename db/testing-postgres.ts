import { appendFile } from "node:fs/promises";
import { relative } from "node:path";
import pg from "pg";
import { connect, type Database, openDatabase } from "./connect.ts";
import { migrate } from "./migrate.ts";
import { templateDigest } from "./template-digest.ts";

const localServer = "postgres://postgres:postgres@127.0.0.1:54322/postgres?sslmode=disable";

/** The PostgreSQL on which tests run, as `findServer` has it. Notes that the file asked: without one it is another test. */
export async function testServer(): Promise<string | undefined> {
  const notes = process.env.EMBEDDED_LATER;
  if (notes) await appendFile(notes, `${relative(process.cwd(), process.argv[1] ?? "")}\n`);
  return await findServer();
}

/** The PostgreSQL on which tests run; undefined: none, or TEST_DATABASE_URL=embedded. Throws when the given one fails. */
export async function findServer(): Promise<string | undefined> {
  const given = process.env.TEST_DATABASE_URL;
  if (given === "embedded") return undefined;
  const url = given || localServer;
  try {
    await (await openDatabase({ url })).close();
    return url;
  } catch (error) {
    if (given) throw error;
    return undefined;
  }
}

/**
 * Makes a database for tests, in memory where `npm run setup:postgres` has set some aside, without waits for a disk.
 * No plan is compiled: the SQL stories take 3.4 s of the server's processor time, and 7.9 s with compilation.
 */
export async function createDatabase(client: pg.Client, database: string, template = "template0"): Promise<void> {
  const { rowCount } = await client.query(
    "select from pg_tablespace where spcname = 'recsys_tests' and (pg_stat_file(pg_tablespace_location(oid) || '/', true)).isdir",
  );
  const place = rowCount ? "tablespace recsys_tests" : "";
  await client.query(`create database ${database} template ${template} ${place}`);
  await client.query(`alter database ${database} set synchronous_commit = off`);
  await client.query(`alter database ${database} set jit = off`);
}

let copies = 0;

/** So many of a kind are kept: several checkouts with schemas of their own may be tested at the same time. */
const mostTemplates = 6;

/** What a database holds that others are copied from. It is made once and kept on the server, until there are several newer ones. */
export interface Template {
  name: string;
  digest: () => Promise<string>;
  fill: (database: Database) => Promise<unknown>;
}

const migrated: Template = { name: "migrated", digest: () => templateDigest(), fill: migrate };

/** Makes a database for tests out of a template, by default a migrated one; closing it drops it. */
export async function openTestCopy(server: string, name: string, template = migrated): Promise<Database> {
  return await openCopy(server, name, template, createDatabase);
}

/** Makes a database out of a template, by default a migrated one, as the server is set up, for benchmarks; closing it drops it. */
export async function openPostgresCopy(server: string, name: string, template = migrated): Promise<Database> {
  return await openCopy(server, name, template, (client, database, from) =>
    client.query(`create database ${database} template ${from}`),
  );
}

async function openCopy(
  server: string,
  name: string,
  template: Template,
  create: (client: pg.Client, database: string, template: string) => Promise<unknown>,
): Promise<Database> {
  const database = `recsys_${name.replace(/\W+/g, "_").slice(0, 30)}_${process.pid}_${copies++}`;
  await withClient(server, async (client) => {
    // held by one process at a time, so that one makes the template and none drops it between being found and used
    await client.query("select pg_advisory_lock(hashtext('recsys.test_template'))");
    const found = await findOrMakeTemplate(server, client, template);
    await create(client, database, found);
  });
  const copy = await connect(at(server, database), { embedded: false });
  const close = async () => {
    await copy.close();
    await withClient(server, (client) => client.query(`drop database if exists ${database} with (force)`));
  };
  return { ...copy, close };
}

async function findOrMakeTemplate(
  server: string,
  client: pg.Client,
  { name, digest, fill }: Template,
): Promise<string> {
  const template = `recsys_template_${name}_${await digest()}`;
  const { rows } = await client.query<{ datname: string }>(
    "select datname from pg_database where starts_with(datname, $1) order by oid desc",
    [`recsys_template_${name}_`],
  );
  if (rows.some((row) => row.datname === template)) return template;
  const unfinished = `${template}_unfinished`;
  // older ones, and what a run that was killed left
  const finished = rows.filter(({ datname }) => !datname.endsWith("_unfinished"));
  const kept = finished.slice(0, mostTemplates - 1);
  for (const row of rows) if (!kept.includes(row)) await client.query(`drop database ${row.datname} with (force)`);
  await client.query(`create database ${unfinished} template template0`);
  const database = await connect(at(server, unfinished), { embedded: false });
  try {
    await fill(database);
  } finally {
    await database.close();
  }
  await client.query(`alter database ${unfinished} rename to ${template}`);
  return template;
}

function at(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = database;
  return url.href;
}

/** Connects to a server for as long as the body takes. */
export async function withClient<T>(server: string, body: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}
