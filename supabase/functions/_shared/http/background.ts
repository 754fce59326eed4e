/**
 * Work that no answer waits for: one piece after another in each worker, so that it never holds more than one of the worker's
 * connections. Three impressions that waited for a lock once held all three, and the fourth feed got 503.
 */

/** How many pieces may wait, the one at work included: a burst of a hundred feeds fits. What comes on top is dropped and logged. */
export const longestLine = 200;

/** A piece that has waited this long is dropped and logged when its turn comes, so that no line outlives its cause for long. */
export const longestWaitMilliseconds = 10_000;

export interface Background {
  /** Takes a piece of work, which `code` names in the log should it fail or be dropped. Returns at once. */
  add(code: string, work: () => Promise<unknown>): void;
}

/** The line of one worker; `keepAlive` is told of each piece until it is done. `now`: milliseconds of any clock. */
export function openBackground(
  log: (code: string, cause: unknown) => void,
  keepAlive: (work: Promise<void>) => void,
  now = () => performance.now(),
): Background {
  let last = Promise.resolve();
  let waiting = 0;
  return {
    add(code, work) {
      if (waiting === longestLine) return log(code, new Error(`dropped: ${longestLine} others wait already`));
      waiting++;
      const since = now();
      const turn = async () => {
        const seconds = (now() - since) / 1000;
        if (1000 * seconds > longestWaitMilliseconds)
          throw new Error(`dropped: it has waited for ${seconds.toFixed(0)} s`);
        await work();
      };
      last = last
        .then(turn)
        .catch((error) => log(code, error))
        .finally(() => waiting--);
      keepAlive(last);
    },
  };
}
