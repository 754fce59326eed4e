/**
 * Work that no answer waits for: one piece after another in each worker, so that it never holds more than one of the worker's
 * connections. Three impressions that waited for a lock once held all three, and the fourth feed got 503.
 */

/** How many pieces may wait, the one at work included. A piece ends within seconds; what is more than this is dropped and logged. */
export const longestLine = 20;

export interface Background {
  /** Takes a piece of work, which `code` names in the log should it fail or be dropped. Returns at once. */
  add(code: string, work: () => Promise<unknown>): void;
}

/** The line of one worker; `keepAlive` is told of each piece until it is done. */
export function openBackground(
  log: (code: string, cause: unknown) => void,
  keepAlive: (work: Promise<void>) => void,
): Background {
  let last = Promise.resolve();
  let waiting = 0;
  return {
    add(code, work) {
      if (waiting === longestLine) return log(code, new Error(`dropped: ${longestLine} others wait already`));
      waiting++;
      last = last
        .then(work)
        .then(
          () => undefined,
          (error) => log(code, error),
        )
        .finally(() => waiting--);
      keepAlive(last);
    },
  };
}
