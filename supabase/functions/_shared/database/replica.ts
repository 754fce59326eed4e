/**
 * A streaming replica, which reads for the primary what is everybody's. It lags, and may be gone: whatever it cannot do within a second, or
 * not of the last five, the primary does. How far it lags is known from the primary's own log of writes: a worker notes where that was, and the
 * replica says how much of it it has. So neither their clocks need agree, nor does a primary that writes nothing look like a replica that lags.
 */
import { sql } from "kysely";
import type { Log } from "../http/log.ts";
import { type Connection, type Pool, type Query, run } from "./database.ts";
import { openPool } from "./pool.ts";
import { db } from "./query.ts";
import { type Identity, readAs, service } from "./run-as-caller.ts";

/** Further behind than that it reads for nobody, in milliseconds. */
const mostBehind = 5_000;
/** One that is out is asked whether it is back so often, in milliseconds. */
const askAgainAfter = 1_000;
/** How often it is noted where the primary's log is, in milliseconds. */
const noteAfter = 250;
/** A statement of the replica's, and all of them for one feed: the primary waits meanwhile, in a transaction of three seconds. */
const statementTimeout = "1s";
const patience = 1_500;

/** Where the primary's log of writes was, in bytes, `at` milliseconds of the worker's clock. */
interface Note {
  at: number;
  written: number;
}

/** What a replica says of itself. */
interface ReplicaState {
  /** false: it was promoted, and has a history of its own. */
  follows: boolean;
  /** How much of the primary's log it has, in bytes. */
  replayed: number;
  /** How long ago the last of that was written, in milliseconds, by both their clocks; null: nothing yet. */
  age: number | null;
  /** recsys_engine.feature_store_version, as it knows it. */
  version: number;
}

/** It cannot be used, for a reason that the log names. */
class ReplicaOut extends Error {}

export interface Replica {
  /** Whether it may be asked. */
  isUsable(): boolean;
  /** Looks whether one that is out is back, and lets nobody wait for that. `primary`: a connection to the primary, in a transaction. */
  lookAgain(primary: Connection): void;
  /**
   * What `work` reads on a connection under the caller's role, with the recsys_engine.feature_store_version that the replica knows; null: the
   * primary has to, because the replica is out, too far behind, or too slow, or because `work` says so. Work that took too long is not waited for and
   * may go on, so it must not use the connection to the primary, which by then is in somebody else's transaction. Throws nothing.
   */
  read<Result>(
    primary: Connection,
    caller: Identity,
    work: (connection: Connection, version: number) => Promise<Result | null>,
  ): Promise<Result | null>;
}

/** Opens the replica at a URL, with connections of its own. `behind`: how far it may be, in milliseconds. */
export function openReplica(url: string, log: Log, behind = mostBehind): Replica & { end(): Promise<void> } {
  // an answer that does not come is given up a little after the statement
  const patient = { query_timeout: patience, connectionTimeoutMillis: 1_000 };
  // what becomes of idle connections the next feed finds out
  const pool = openPool(url, () => undefined, patient);
  return { ...replicaOf(pool, log, behind), end: () => pool.end() };
}

/** `now`: milliseconds of any clock. */
export function replicaOf(pool: Pool, log: Log, behind = mostBehind, now = () => performance.now()): Replica {
  const notes: Note[] = [];
  let isOut = false;
  let askedAt = Number.NEGATIVE_INFINITY;

  /** Notes where the primary's log is; those that say nothing more go. */
  async function note(primary: Connection): Promise<void> {
    const at = now();
    if (at - (notes.at(-1)?.at ?? Number.NEGATIVE_INFINITY) < noteAfter) return;
    const [{ written }] = await run(primary, readWritten);
    if (written !== null) notes.push({ at, written });
    while (notes.length > 2 * Math.ceil(mostBehind / noteAfter)) notes.shift();
  }

  /** Whether a replica in that state is near enough; null: that is not known yet. Throws ReplicaOut. */
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

  /** Looks whether it is back, beside the feed that the primary makes. */
  async function askAgain(primary: Connection): Promise<void> {
    askedAt = now();
    try {
      const noted = note(primary);
      // the feed that the connection is for may fail
      noted.catch(() => undefined);
      const near = await within(readAs(pool, service, readState, async (_, [state]) => state, statementTimeout));
      await noted;
      // an earlier question that took longer may have found it back
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
        // somebody's own costly question says nothing of the replica
        if ((error as { code?: unknown } | null)?.code !== queryCanceled) goOut(error);
        return null;
      }
    },
  };
}

/** "query_canceled" */
const queryCanceled = "57014";

/** What a replica that is stuck never answers is waited for no longer. */
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

/** null: what is taken for the primary is none. */
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
