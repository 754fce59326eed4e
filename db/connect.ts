import pg from "pg";
import { getTypeParser } from "../supabase/functions/_shared/database/pool.ts";
import { checkUrl, explainConnectionError } from "./connection-errors.ts";
import { openEmbedded } from "./embedded.ts";

/** An open database: a real PostgreSQL, or the embedded one behind a loopback port; both speak through `pg`. */
export interface Database {
  pool: pg.Pool;
  /** Where other processes (Edge Functions, psql) reach the same database. */
  url: string;
  /** One session serves all connections of an embedded database: see embedded.ts for what that forbids. */
  embedded: boolean;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** A PostgreSQL URL; without it the embedded database opens. */
  url?: string | undefined;
  /** Where the embedded database lives; default `.recsys/database`. */
  folder?: string | undefined;
  /** How long to wait for a PostgreSQL to let us in; default 10,000 ms. */
  connectTimeout?: number;
}

/** Opens and checks a database. Throws a `UserError`, after `connectTimeout` at most, where a PostgreSQL does not answer. */
export async function openDatabase({ url, folder, connectTimeout }: OpenOptions = {}): Promise<Database> {
  if (url !== undefined) {
    checkUrl(url);
    return await connect(url, { embedded: false, ...(connectTimeout && { connectTimeout }) });
  }
  const embedded = await openEmbedded(folder ?? ".recsys/database");
  try {
    return await connect(embedded.url, { embedded: true, release: embedded.release });
  } catch (error) {
    await embedded.release();
    throw error;
  }
}

interface ConnectOptions {
  embedded: boolean;
  release?: () => Promise<void>;
  connectTimeout?: number;
}

/** Connects to a URL that is known to be sound. `release` runs after the pool has closed. */
export async function connect(
  url: string,
  { embedded, release, connectTimeout = 10_000 }: ConnectOptions,
): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    // a new connection to the embedded database waits for the statement that runs, and an index build takes its time
    connectionTimeoutMillis: embedded ? 600_000 : connectTimeout,
    application_name: "recsys",
    types: { getTypeParser },
  });
  // an idle connection that breaks is replaced by the pool; without a listener it would end the process
  pool.on("error", () => {});
  // nor does the pool listen to a connection that is in use; there the query that fails reports it
  pool.on("connect", (client) => client.on("error", () => {}));
  try {
    await pool.query("select 1");
  } catch (error) {
    await pool.end();
    throw explainConnectionError(error, url);
  }
  let closing: Promise<void> | undefined;
  const close = async () => {
    await pool.end();
    await release?.();
  };
  return { pool, url, embedded, close: () => (closing ??= close()) };
}
