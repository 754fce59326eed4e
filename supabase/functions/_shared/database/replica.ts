/**
 * A streaming read replica for data that is the same for all users. The primary takes over if the replica fails, needs
 * more than 1 s for a statement or lags by more than 5 s. The lag is measured in WAL positions: a worker notes the
 * primary's position, and the replica reports how much it has replayed. This invariant needs no synchronised clocks,
 * and an idle primary does not look like lag.
 */
import { sql } from "kysely";
import type { Log } from "../http/log.ts";
import { type Connection, type Pool, type Query, run } from "./database.ts";
import { openPool } from "./pool.ts";
import { db } from "./query.ts";
import { type Identity, readAs, service } from "./run-as-caller.ts";

/** Maximum lag of a usable replica, in milliseconds. */
const mostBehind = 5_000;
/** Interval at which a disabled replica is checked again, in milliseconds. */
const askAgainAfter = 1_000;
/** Interval at which the primary's WAL position is noted, in milliseconds. */
const noteAfter = 250;
/**
 * Timeout of one statement on the replica; `patience` (ms) is that of all statements of a feed. The primary's
 * transaction, which times out after a few seconds, waits meanwhile.
 */
const statementTimeout = "1s";
const patience = 1_500;

/** The primary's WAL position in bytes (`written`) at a time `at`, in milliseconds of the worker's clock. */
interface Note {
  at: number;
  written: number;
}

/** Replication state, as the replica reports it. */
interface ReplicaState {
  /** False if it was promoted: it then has a history of its own. */
  follows: boolean;
  /** Replayed WAL position in bytes. */
  replayed: number;
  /** Milliseconds since the last replayed transaction was committed, by both servers' clocks; null if there is none. */
  age: number | null;
  /** recsys_engine.feature_store_version as of the replayed position. */
  version: number;
}

/** The replica cannot be used; the message is logged. */
class ReplicaOut extends Error {}

export interface Replica {
  /** Whether the replica is enabled. */
  isUsable(): boolean;
  /** Checks in the background whether a disabled replica is usable again. `primary`: a connection in a transaction. */
  lookAgain(primary: Connection): void;
  /**
   * Runs `work` on a replica connection under the caller's role, with the replica's feature_store_version.
   * Returns null if the replica is disabled, lags or is too slow, or if `work` returns null; the primary
   * then has to read. Never throws. `work` must not use the primary's connection: after a timeout it may
   * still run while another transaction uses it.
   */
  read<Result>(
    primary: Connection,
    caller: Identity,
    work: (connection: Connection, version: number) => Promise<Result | null>,
  ): Promise<Result | null>;
}

/** Opens the replica at a URL with a pool of its own. `behind`: the maximum lag in milliseconds. */
export function openReplica(url: string, log: Log, behind = mostBehind): Replica & { end(): Promise<void> } {
  // the client gives up a little later than the statement timeout
  const patient = { query_timeout: patience, connectionTimeoutMillis: 1_000 };
  // errors of idle connections are ignored: the next feed notices them
  const pool = openPool(url, () => undefined, patient);
  return { ...replicaOf(pool, log, behind), end: () => pool.end() };
}

/** A replica that reads through `pool`. `now`: milliseconds of any clock. */
export function replicaOf(pool: Pool, log: Log, behind = mostBehind, now = () => performance.now()): Replica {
  const notes: Note[] = [];
  let isOut = false;
  let askedAt = Number.NEGATIVE_INFINITY;

  /** Notes the primary's WAL position and drops the oldest notes beyond twice the maximum lag. */
  async function note(primary: Connection): Promise<void> {
    const at = now();
    if (at - (notes.at(-1)?.at ?? Number.NEGATIVE_INFINITY) < noteAfter) return;
    const [{ written }] = await run(primary, readWritten);
    if (written !== null) notes.push({ at, written });
    while (notes.length > 2 * Math.ceil(mostBehind / noteAfter)) notes.shift();
  }

  /** Whether the lag is small enough; null if that is not known yet. Throws ReplicaOut. */
  function isNear({ follows, replayed, age }: ReplicaState): boolean | null {
    if (!follows) throw new ReplicaOut("it is no replica, or no more: it was promoted");
    const has = notes.findLast(({ written }) => written <= replayed);
    if (has && now() - has.at <= behind) return true;
    const lacks = notes.find(({ written }) => written > replayed);
    const behindFor = lacks ? now() - lacks.at : 0;
    if (behindFor > behind)
      throw new ReplicaOut(`it is more than ${Math.floor(behindFor / 1000)} s behind the primary`);
    return age !== null && age <= behind ? true : null;
  }

  function goOut(error: unknown): void {
    askedAt = now();
    if (isOut) return;
    isOut = true;
    const why = error instanceof Error ? error.message : String(error);
    log("replica_disabled", new Error(`read replica disabled, feeds use the primary: ${why}`));
  }

  /** Checks whether the replica is usable again, while the primary serves the feed. */
  async function askAgain(primary: Connection): Promise<void> {
    askedAt = now();
    try {
      const noted = note(primary);
      // avoids an unhandled rejection if the feed's own transaction fails
      noted.catch(() => undefined);
      const near = await within(readAs(pool, service, readState, async (_, [state]) => state, statementTimeout));
      await noted;
      // an earlier, slower check may have enabled it already
      if (!isNear(near) || !isOut) return;
      isOut = false;
      log("replica_enabled", new Error("the replica reads for feeds again"));
    } catch (error) {
      goOut(error);
    }
  }

  return {
    isUsable: () => !isOut,
    lookAgain(primary) {
      if (isOut && now() - askedAt >= askAgainAfter) void askAgain(primary);
    },
    async read(primary, caller, work) {
      try {
        const noted = note(primary);
        noted.catch(() => undefined);
        return await within(
          readAs(
            pool,
            caller,
            readState,
            async (connection, [state]) => {
              await noted;
              return isNear(state) ? await work(connection, state.version) : null;
            },
            statementTimeout,
          ),
        );
      } catch (error) {
        // a cancelled statement is a slow query of the caller's, no fault of the replica
        if ((error as { code?: unknown } | null)?.code !== queryCanceled) goOut(error);
        return null;
      }
    },
  };
}

/** query_canceled */
const queryCanceled = "57014";

/** Rejects if the work takes longer than `patience`, so that a stuck replica delays no feed. */
async function within<Result>(work: Promise<Result>): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ReplicaOut(`it does not answer within ${patience} ms`)), patience);
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

/** The primary's WAL position in bytes; null if the server is itself in recovery, so no primary. */
const readWritten: Query<{ written: number | null }> = db.selectNoFrom(
  sql<
    number | null
  >`case when not pg_is_in_recovery() then pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::double precision end`.as(
    "written",
  ),
);

const readState: Query<ReplicaState> = db
  .selectFrom("recsys_engine.feature_store_version")
  .select([
    sql<boolean>`pg_is_in_recovery()`.as("follows"),
    sql<number>`pg_wal_lsn_diff(coalesce(pg_last_wal_replay_lsn(), '0/0'), '0/0')::double precision`.as("replayed"),
    sql<
      number | null
    >`(1000 * extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()))::double precision`.as("age"),
    "version",
  ]);
