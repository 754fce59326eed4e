/** What keeps the upkeep of the log's partitions apart, and feeds from waiting for it. */
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import type { Database } from "../../db/connect.ts";
import { holdLock } from "../../db/hold-lock.ts";
import { UserError } from "../../db/user-error.ts";

/** Runs what no second process may do meanwhile; throws a `UserError` where one does. */
export async function runExclusively<Result>(database: Database, work: () => Promise<Result>): Promise<Result> {
  const release = await holdLock(database, "archive");
  if (!release) throw new UserError("another `recsys archive` runs on this database: wait until it has ended");
  try {
    return await work();
  } finally {
    await release();
  }
}

/**
 * A transaction that changes partitions. A wait for its locks blocks the feeds behind it, so it gives up after a
 * second.
 */
export async function withLock<Result>(
  { pool }: Pick<Database, "pool">,
  work: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("set local timezone = 'UTC'; set local lock_timeout = '1s'");
    await client.query("select recsys_engine.take_lock('impressions')");
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

const attempts = 10;

/** Tries again what gave up waiting for a lock, a second later each time; throws a `UserError` after ten attempts. */
export async function retryingLocks<Result>(
  what: string,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if ((error as pg.DatabaseError).code !== "55P03") throw error;
      if (attempt === attempts)
        throw new UserError(
          `${what}, since somebody has been reading or writing impressions each of ${attempts} times: start again later, it goes on from here`,
        );
    }
    await setTimeout(1000);
  }
}
