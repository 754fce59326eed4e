/**
 * Whether live feeds are worth trying. While the database is stuck each takes a connection for seconds, so that three people hold all of a
 * worker; once three different ones in a row got nothing, the others are served from the lower rungs at once, and one now and then tries.
 */

/** One person's history may be too long for the time there is; it must not take the live feed from others. */
const peopleInARow = 3;
/** How long nobody tries, in milliseconds. */
const pause = 5_000;

/** Of one worker. `now`: milliseconds of any clock. */
export function openStalls(now = () => performance.now()) {
  const stalled = new Set<string>();
  let nextTry = Number.NEGATIVE_INFINITY;

  return {
    /** Whether this request should try; the first to ask after a pause does. */
    mayTry(): boolean {
      if (stalled.size < peopleInARow) return true;
      if (now() < nextTry) return false;
      nextTry = now() + pause;
      return true;
    },
    /** A live feed was made. */
    made(): void {
      stalled.clear();
    },
    /** A live feed of this person took too long. */
    tookTooLong(userId: string): void {
      // it needs no more names than decide
      if (stalled.size < peopleInARow) stalled.add(userId);
      nextTry = now() + pause;
    },
  };
}
export type Stalls = ReturnType<typeof openStalls>;
