/**
 * A circuit breaker of live feeds. While the database is stuck each takes a connection for seconds. Once those of three different people in a row
 * got nothing, it opens: these three and all others are served by a fallback at once, and one now and then tries.
 *
 * A few whose own feeds take too long are no stuck database: they never hold all connections (../database/connection-scheduler.ts). So somebody else tries at once, and
 * when that works everybody does again.
 */

/** One person's history may be too long for the time there is; it must not take the live feed from others. */
const peopleInARow = 3;
/** So many are remembered for whom it did not work. */
const mostRemembered = 100;
/** How long nobody tries, in milliseconds. */
const pause = 5_000;

/** Of one worker. `now`: milliseconds of any clock. */
export function createCircuitBreaker(now = () => performance.now()) {
  const stalled = new Set<string>();
  /** When the next of these may try, and the next of the others. */
  let nextTry = Number.NEGATIVE_INFINITY;
  let othersTry = Number.NEGATIVE_INFINITY;

  return {
    /** Whether this person's request should try. */
    mayTry(userId: string): boolean {
      if (stalled.size < peopleInARow) return true;
      if (now() < (stalled.has(userId) ? nextTry : othersTry)) return false;
      // the others do not wait for it
      nextTry = now() + pause;
      if (!stalled.has(userId)) othersTry = nextTry;
      return true;
    },
    /** A live feed was made. */
    made(): void {
      stalled.clear();
      othersTry = Number.NEGATIVE_INFINITY;
    },
    /** A live feed of this person took too long. */
    tookTooLong(userId: string): void {
      if (stalled.size < mostRemembered) stalled.add(userId);
      nextTry = now() + pause;
    },
  };
}
export type CircuitBreaker = ReturnType<typeof createCircuitBreaker>;
