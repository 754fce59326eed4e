/** Transactions under the caller's own role, so that row level security decides what they read and write. */
import { type CallerRequest, request } from "../http/caller-request.ts";
import { isConnectionLoss } from "../http/errors.ts";
import { type Connection, type Pool, type Query, run, type Statement } from "./database.ts";
import { poolSize } from "./pool.ts";
import { assertWithinRateLimit, consumeRateLimit } from "./rate-limit.ts";
import { forwardedHeaders } from "./request-settings.ts";

/** Whom the database takes for the caller: a user by the claims of their token, or the engine's own service. */
export interface Identity {
  role: string;
  /** The user's id. */
  sub?: string;
  /** An operator who looks at what the user gets: no request of the user. */
  preview?: boolean;
  /** The request that they sent; undefined: background work. */
  [request]?: CallerRequest | undefined;
}

/** What works for everybody and not for a user. */
export const service: Identity = { role: "service_role" };

/** Who has not signed in: nobody in particular, to whom row level security shows what it shows to all. */
export const visitor: Identity = { role: "anon" };

/** Whose request is counted: each has claims of its own, and may take several transactions. */
const counted = new WeakSet<Identity>();

/** A statement of a feed takes milliseconds; one that takes this long is stuck. */
const statementTimeout = "5s";
/** What nobody waits for gives up sooner: others are in line behind it. */
const backgroundTimeout = "2s";
/**
 * A transaction that waits longer for a table releases its own locks and is retried, so that a migration that locks several tables gets them. Otherwise
 * PostgreSQL detects a deadlock after a second (deadlock_timeout) and cancels the migration.
 */
const boundedLocks = "set local lock_timeout = '200ms'";

/**
 * Reads as PostgREST would for this caller: `set local role`, `request.jwt.claims` and what policies may read of the request, for one read-only transaction.
 * The first statement travels with them in one round trip; `use` gets its rows and may run more queries, each for `timeout` at most. While
 * a table is locked the whole transaction is retried, for up to `timeout`.
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

/** Retries the work for up to `timeout` while a table or a row is locked. */
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

/** Within a transaction under `role`: one statement as the engine's own service, which sees everything. All is sent at once. */
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
 * As `writeAs`, for work after an answer: given up when it takes 2 seconds, so that those in line behind it come to their turn, and
 * done before it is on the disk, so that a crash of the database may lose the last half second of it.
 */
export async function writeInBackground<Row>(pool: Pool, caller: Identity, statement: Query<Row>): Promise<Row[]> {
  const begin = "begin; set local synchronous_commit = off";
  return await transactAs(pool, caller, statement, async (_, rows) => rows, backgroundTimeout, begin);
}

/**
 * As `readAs`, in a transaction that may write; waits for the commit, and rolls back when `use` throws. While a table or a row is locked it is retried,
 * too: nothing of the failed try was written.
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

/** All visitors are one person: in any number, they must not take the connections from who has signed in. */
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
  // all visitors have the same
  const isBegun = caller.sub !== undefined && counted.has(caller);
  const pooled = await pool.connect(personOf(caller), isBegun);
  const connection = namingFirstFailure(pooled);
  try {
    const headers = caller[request] && (await forwardedHeaders(pool, pooled, caller[request]));
    counted.add(caller);
    // all are sent before the first is answered; should one fail, those after it fail or are thrown away
    const [, , , rows] = await Promise.all([
      toCount && consumeRateLimit(pooled, toCount),
      connection.query(begin),
      run(connection, become(caller, timeout, headers)),
      run(connection, first),
    ]);
    return [connection, rows] as const;
  } catch (error) {
    await end(connection, "rollback");
    // idle connections may have died unnoticed (a frozen worker, a restarted database); after the last the pool opens a new one
    if (spares > 0 && isConnectionLoss(error)) return opened(pool, caller, begin, first, timeout, spares - 1);
    throw error;
  }
}

/**
 * A connection for one transaction. After a failure PostgreSQL says of every further statement that the transaction is over, and whoever
 * hears that first may not be the one that failed: here each of them fails with what ended it.
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

/** lock_not_available, deadlock_detected */
function isLockFailure(error: unknown): boolean {
  return ["55P03", "40P01"].includes((error as { code?: string } | null)?.code ?? "");
}

/** Of a timeout as PostgreSQL takes it: 2s, 500ms. */
function milliseconds(timeout: string): number {
  return Number.parseFloat(timeout) * (timeout.endsWith("ms") ? 1 : 1000);
}

/** `headers`: JSON, {} without a request: an unset setting would read as '', which is no JSON. */
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
