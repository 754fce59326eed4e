/**
 * A circuit breaker of live feeds: a stuck database holds a connection for seconds. It opens after failures of three different people in a row; then
 * fallbacks serve all, and one request now and then tries. A few slow histories alone never hold all connections (connection-scheduler.ts).
 */

/** One person's history may be too long for the time there is; it must not take the live feed from others. */
const peopleInARow = 3;
/** So many are remembered for whom it did not work. */
const mostRemembered = 100;
/** The time without tries, in milliseconds. */
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
