/**
 * Fair scheduling of a worker's few database connections between users. First come, first served would let a few users
 * with slow feeds hold all connections.
 */
import { overloaded } from "../http/errors.ts";

/** Time constant of the exponential decay of a user's connection use, in milliseconds: after it a third is left. */
const memory = 10_000;

/**
 * A user whose requests hold a connection for this long on average is slow, in milliseconds. A feed takes 15 to 30 ms.
 */
const slow = 1_000;

/**
 * Maximum wait for a connection in milliseconds. `stuck`: no connection was granted meanwhile; `moving`: others got
 * connections. The second is longer because a waiter that long is usually next, so refusing it frees nothing.
 */
const longestWait = { stuck: 3_000, moving: 5_000 };

/** Maximum number of users whose connection use is remembered. */
const mostRemembered = 1_000;

interface Waiting {
  person: string | undefined;
  isBegun: boolean;
  begin: () => void;
}

/** A user's recent connection use. */
interface ConnectionUse {
  /** Total time that they held connections, in milliseconds, and how many times; both decay. */
  held: number;
  times: number;
  /** The time as of which `held` and `times` were decayed, in milliseconds. */
  at: number;
  /** When they took each connection that they hold now, in milliseconds. */
  since: number[];
}

export interface ConnectionScheduler {
  /**
   * Waits for a connection; resolves to the function that releases it. Priority of waiters:
   * - first, the user who holds the fewest connections;
   * - then, users who are not slow (all slow users together leave one connection to the others);
   * - then, the order of arrival.
   *
   * Without `person`, the connection is for the service itself, which never counts as slow. Neither does a request that
   * has begun (`isBegun`): its second connection is held only for a short time.
   * @throws AppError 429 `overloaded` after 5 s, or Error after 3 s in which no connection was granted
   */
  take(person?: string, isBegun?: boolean): Promise<() => void>;
  /** Number of requests that wait. */
  waiting(): number;
}

/** A scheduler of `size` connections. `now`: milliseconds of any clock. */
export function createConnectionScheduler(
  size: number,
  now = () => performance.now(),
  patience = longestWait,
): ConnectionScheduler {
  let free = size;
  /** Number of connections granted so far. */
  let given = 0;
  const uses = new Map<string, ConnectionUse>();
  const line: Waiting[] = [];

  return {
    waiting: () => line.length,
    take(person, isBegun = false) {
      return new Promise((resolve, reject) => {
        const waiting: Waiting = {
          person,
          isBegun,
          begin() {
            clearTimeout(timer);
            resolve(taken(person));
          },
        };
        const refuse = (error: Error) => {
          const place = line.indexOf(waiting);
          // Deno may run a cleared timer that was already due. This one has its connection and is no longer in the
          // queue: without the check, `splice(-1)` would remove the last waiter.
          if (place < 0) return;
          line.splice(place, 1);
          reject(error);
        };
        const before = given;
        let timer = setTimeout(() => {
          // if no connection was granted, the database is stuck; if others got one, there are too many requests
          if (given === before) refuse(new Error("timeout exceeded when waiting for a connection"));
          else timer = setTimeout(() => refuse(overloaded(patience.moving)), patience.moving - patience.stuck);
        }, patience.stuck);
        line.push(waiting);
        next();
      });
    },
  };

  /** Grants free connections to the waiters whose turn it is. */
  function next(): void {
    while (free > 0) {
      // summed only if a slow user waits, since it walks through all remembered users
      const maySlow = () => size === 1 || heldBySlow() < size - 1;
      const [first] = line.filter((waiting) => !waitsAsSlow(waiting) || maySlow()).sort(inTurn);
      if (!first) return;
      line.splice(line.indexOf(first), 1);
      first.begin();
    }
  }

  function taken(person: string | undefined): () => void {
    const since = now();
    const use = person === undefined ? undefined : useOf(person);
    use?.since.push(since);
    free--;
    given++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      free++;
      if (use) {
        fade(use);
        use.since.splice(use.since.indexOf(since), 1);
        use.held += now() - since;
        use.times++;
      }
      next();
    };
  }

  /**
   * Orders waiters; the sort is stable, so ties keep the order of arrival. Recent use is ignored on purpose: a feed
   * takes a connection twice, and its second turn would wait behind every newcomer.
   */
  function inTurn(one: Waiting, other: Waiting): number {
    const holds = usedBy(one.person).holds - usedBy(other.person).holds;
    return holds || Number(waitsAsSlow(one)) - Number(waitsAsSlow(other));
  }

  function waitsAsSlow({ person, isBegun }: Waiting): boolean {
    return !isBegun && isSlow(person);
  }

  function heldBySlow(): number {
    let held = 0;
    for (const [person, { since }] of uses) if (since.length > 0 && isSlow(person)) held += since.length;
    return held;
  }

  function isSlow(person: string | undefined): boolean {
    const { held, times, holds } = usedBy(person);
    return held >= slow && held >= slow * (times + holds);
  }

  /** A user's decayed use, including the connections that they hold now. */
  function usedBy(person: string | undefined): { held: number; times: number; holds: number } {
    const use = person === undefined ? undefined : uses.get(person);
    if (!use) return { held: 0, times: 0, holds: 0 };
    fade(use);
    const holding = use.since.reduce((sum, since) => sum + now() - since, 0);
    return { held: use.held + holding, times: use.times, holds: use.since.length };
  }

  function useOf(person: string): ConnectionUse {
    const use = uses.get(person) ?? { held: 0, times: 0, at: now(), since: [] };
    // reinsert at the end: the map's first key is the least recently used
    uses.delete(person);
    for (const [oldest, { since }] of uses) {
      if (uses.size < mostRemembered) break;
      if (since.length === 0) uses.delete(oldest);
    }
    uses.set(person, use);
    return use;
  }

  function fade(use: ConnectionUse): void {
    const left = Math.exp((use.at - now()) / memory);
    use.held *= left;
    use.times *= left;
    use.at = now();
  }
}
