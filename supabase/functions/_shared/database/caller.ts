/** Transactions under the caller's own role, so that row level security decides what they read and write. */
import type { Claims } from "../http/auth.ts";
import { isConnectionLoss } from "../http/errors.ts";
import { type Connection, type Pool, run, type Statement } from "./database.ts";
import { poolSize } from "./pool.ts";

/** A statement of a feed takes milliseconds; one that takes this long is stuck. */
const statementTimeout = "5s";

/**
 * Reads as PostgREST would for this caller: `set local role` and `request.jwt.claims` for one read-only transaction.
 * The first statement travels with them in one round trip; `use` gets its rows and may run more queries.
 */
export async function readAs<Row, Result>(
  pool: Pool,
  claims: Claims,
  first: Statement<Row>,
  use: (connection: Connection, rows: Row[]) => Promise<Result>,
): Promise<Result> {
  const [connection, rows] = await opened(pool, claims, "begin read only", first);
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

/** Runs one writing statement under the caller's role and waits for the commit. */
export async function writeAs<Row>(pool: Pool, claims: Claims, statement: Statement<Row>): Promise<Row[]> {
  const [connection, rows] = await opened(pool, claims, "begin", statement);
  const failure = await end(connection, "commit");
  if (failure) throw failure;
  return rows;
}

async function opened<Row>(pool: Pool, claims: Claims, begin: string, first: Statement<Row>, spares = poolSize) {
  const connection = await pool.connect();
  try {
    // all three are sent before the first is answered; should one fail, those after it fail or are thrown away
    const [, , rows] = await Promise.all([
      connection.query(begin),
      run(connection, become(claims)),
      run(connection, first),
    ]);
    return [connection, rows] as const;
  } catch (error) {
    await end(connection, "rollback");
    // idle connections may have died unnoticed (a frozen worker, a restarted database); after the last the pool opens a new one
    if (spares > 0 && isConnectionLoss(error)) return opened(pool, claims, begin, first, spares - 1);
    throw error;
  }
}

function become(claims: Claims): Statement<unknown> {
  return {
    text: `select
      set_config('role', $1::text, true),
      set_config('request.jwt.claims', $2::text, true),
      set_config('statement_timeout', $3::text, true),
      set_config('idle_in_transaction_session_timeout', $3::text, true)`,
    values: [claims.role, JSON.stringify(claims), statementTimeout],
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
