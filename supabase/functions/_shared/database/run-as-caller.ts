/** Transactions under the caller's own role, so that row level security decides what they read and write. */
import { type CallerRequest, request } from "../http/caller-request.ts";
import { isConnectionLoss } from "../http/errors.ts";
import { type Connection, type Pool, type Query, run, type Statement } from "./database.ts";
import { poolSize } from "./pool.ts";
import { assertWithinRateLimit, consumeRateLimit } from "./rate-limit.ts";
import { forwardedHeaders } from "./request-settings.ts";

/** Who the database takes for the caller: a user, by the claims of their token, or the engine's own service. */
export interface Identity {
  role: string;
  /** The user's id. */
  sub?: string;
  /** True if an operator looks at the user's feed; it does not count as a request of that user. */
  preview?: boolean;
  /** The HTTP request; undefined for background work. */
  [request]?: CallerRequest | undefined;
}

/** The engine's own service, for work that belongs to no user. */
export const service: Identity = { role: "service_role" };

/** A caller who has not signed in; row level security shows them what is public. */
export const visitor: Identity = { role: "anon" };

/** Identities whose request is already counted by the rate limit: one request may take several transactions. */
const counted = new WeakSet<Identity>();

/** A statement that runs this long is stuck: a feed's statements take milliseconds. */
const statementTimeout = "5s";
/** Timeout of background work; shorter, because other work queues behind it. */
const backgroundTimeout = "2s";
/**
 * Lock timeout. A transaction that waits longer releases its locks and is retried, so a migration that locks several
 * tables gets them. Otherwise PostgreSQL's deadlock detection could cancel the migration.
 */
const boundedLocks = "set local lock_timeout = '200ms'";

/**
 * Reads in a read-only transaction with PostgREST's settings (role, claims, headers), sent together with `first`. `use`
 * gets its rows and may query more, each within `timeout`; it runs again if a lock made the transaction fail.
 */
export async function readAs<Row, Result>(
  pool: Pool,
  caller: Identity,
  first: Query<Row>,
  use: (connection: Connection, rows: Row[]) => Promise<Result>,
  timeout = statementTimeout,
): Promise<Result> {
  return await againWhereLocked(timeout, () => readOnce(pool, caller, first, use, timeout));
}

/** Retries the work for up to `timeout` while a table or row is locked. */
async function againWhereLocked<Result>(timeout: string, work: () => Promise<Result>): Promise<Result> {
  const until = performance.now() + milliseconds(timeout);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isLockFailure(error) || performance.now() > until) throw error;
    }
  }
}

async function readOnce<Row, Result>(
  pool: Pool,
  caller: Identity,
  first: Query<Row>,
  use: (connection: Connection, rows: Row[]) => Promise<Result>,
  timeout: string,
): Promise<Result> {
  const [connection, rows] = await opened(pool, caller, `begin read only; ${boundedLocks}`, first, timeout);
  try {
    const result = await use(connection, rows);
    // nothing was written, so the answer need not wait for the commit
    void end(connection, "commit");
    return result;
  } catch (error) {
    void end(connection, "rollback");
    throw error;
  }
}

/** Runs one statement as the engine's service within a transaction under `role`, in one round trip. */
export async function queryAsService<Row>(connection: Connection, role: string, statement: Query<Row>): Promise<Row[]> {
  const be = (role: string) => connection.query("select set_config('role', $1::text, true)", [role]);
  const [, rows] = await Promise.all([be(service.role), run(connection, statement), be(role)]);
  return rows;
}

/** Runs one writing statement under the caller's role and waits for the commit. */
export async function writeAs<Row>(pool: Pool, caller: Identity, statement: Query<Row>): Promise<Row[]> {
  return await transactAs(pool, caller, statement, async (_, rows) => rows);
}

/**
 * Like `writeAs`, for work after an answer: it times out after 2 s and commits asynchronously, so a database crash
 * may lose the last half second of it.
 */
export async function writeInBackground<Row>(pool: Pool, caller: Identity, statement: Query<Row>): Promise<Row[]> {
  const begin = "begin; set local synchronous_commit = off";
  return await transactAs(pool, caller, statement, async (_, rows) => rows, backgroundTimeout, begin);
}

/**
 * Like `readAs`, in a transaction that may write: waits for the commit and rolls back if `use` throws. It is retried
 * while a table or row is locked: a failed attempt has written nothing.
 */
export async function transactAs<Row, Result>(
  pool: Pool,
  caller: Identity,
  first: Query<Row>,
  use: (connection: Connection, rows: Row[]) => Promise<Result>,
  timeout = statementTimeout,
  begin = "begin",
): Promise<Result> {
  return await againWhereLocked(timeout, () => changeOnce(pool, caller, first, use, timeout, begin));
}

async function changeOnce<Row, Result>(
  pool: Pool,
  caller: Identity,
  first: Query<Row>,
  use: (connection: Connection, rows: Row[]) => Promise<Result>,
  timeout: string,
  begin: string,
): Promise<Result> {
  const [connection, rows] = await opened(pool, caller, `${begin}; ${boundedLocks}`, first, timeout);
  let result: Result;
  try {
    result = await use(connection, rows);
  } catch (error) {
    await end(connection, "rollback");
    throw error;
  }
  const failure = await end(connection, "commit");
  if (failure) throw failure;
  return result;
}

/**
 * The unit of fair scheduling: a user, or all visitors together, so that any number
 * of them cannot starve signed-in users.
 */
function personOf({ sub, role }: Identity): string | undefined {
  return sub ?? (role === service.role ? undefined : role);
}

async function opened<Row>(
  pool: Pool,
  caller: Identity,
  begin: string,
  first: Query<Row>,
  timeout: string,
  spares = poolSize,
) {
  const toCount = counted.has(caller) || caller.preview ? undefined : caller.sub;
  if (toCount) assertWithinRateLimit(toCount);
  // visitors share one identity, so it says nothing about this request
  const isBegun = caller.sub !== undefined && counted.has(caller);
  const pooled = await pool.connect(personOf(caller), isBegun);
  const connection = namingFirstFailure(pooled);
  try {
    const headers = caller[request] && (await forwardedHeaders(pool, pooled, caller[request]));
    counted.add(caller);
    // All statements are sent before the first is answered. If one fails, those after it fail or are discarded.
    const [, , , rows] = await Promise.all([
      toCount && consumeRateLimit(pooled, toCount),
      connection.query(begin),
      run(connection, become(caller, timeout, headers)),
      run(connection, first),
    ]);
    return [connection, rows] as const;
  } catch (error) {
    await end(connection, "rollback");
    // idle connections may have died unnoticed (frozen worker, restarted database); after them the pool opens a new one
    if (spares > 0 && isConnectionLoss(error)) return opened(pool, caller, begin, first, timeout, spares - 1);
    throw error;
  }
}

/**
 * A connection for one transaction that reports its first error. After a failure PostgreSQL rejects every further
 * statement with 25P02; here those fail with the error that aborted the transaction.
 */
function namingFirstFailure(connection: Connection): Connection {
  let first: unknown;
  return {
    query: (text, values) =>
      connection.query(text, values).catch((error) => {
        first ??= error;
        throw isGivenUp(error) ? first : error;
      }),
    release: (destroy) => connection.release(destroy),
  };
}

/** in_failed_sql_transaction */
function isGivenUp(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "25P02";
}

/** lock_not_available or deadlock_detected */
function isLockFailure(error: unknown): boolean {
  return ["55P03", "40P01"].includes((error as { code?: string } | null)?.code ?? "");
}

/** Milliseconds of a PostgreSQL timeout such as 2s or 500ms. */
function milliseconds(timeout: string): number {
  return Number.parseFloat(timeout) * (timeout.endsWith("ms") ? 1 : 1000);
}

/**
 * Sets role, claims and timeouts. `headers` is JSON, and {} without a request: an
 * unset setting would be '', no valid JSON.
 */
function become(caller: Identity, timeout: string, headers = "{}"): Statement<unknown> {
  const { method = "", path = "" } = caller[request] ?? {};
  return {
    text: `select
      set_config('role', $1::text, true),
      set_config('request.jwt.claims', $2::text, true),
      set_config('statement_timeout', $3::text, true),
      set_config('idle_in_transaction_session_timeout', $3::text, true),
      set_config('request.headers', $4::text, true),
      set_config('request.method', $5::text, true),
      set_config('request.path', $6::text, true)`,
    values: [caller.role, JSON.stringify(caller), timeout, headers, method, path],
  };
}

async function end(connection: Connection, statement: "commit" | "rollback"): Promise<unknown> {
  let failure: unknown;
  try {
    await connection.query(statement);
  } catch (error) {
    failure = error;
  }
  connection.release(failure !== undefined);
  return failure;
}
