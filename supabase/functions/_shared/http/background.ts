/**
 * Work that no answer waits for: one piece after another in each worker, so that it never holds more than one of the worker's
 * connections. Three impressions that waited for a lock once held all three, and the fourth feed got 503. What waits is done together
 * where that is cheaper: 16 concurrent clients showed pages faster than they could be logged one by one.
 */
import type { Log } from "./log.ts";

/** How many items may wait, those at work included: a burst of a hundred feeds fits. What comes on top is dropped and logged. */
export const longestLine = 200;

/** An item that has waited this long is dropped and logged when its turn comes, so that no line outlives its cause for long. */
export const longestWaitMilliseconds = 10_000;

/** At most so many items are done together. */
export const mostTogether = 50;

/** A kind of work. `code` names it in the log when items fail or are dropped. */
export interface Work<Item> {
  code: string;
  /** How long the first item waits for others, in milliseconds; by default it does not. */
  gather?: number;
  /** Nobody need know of it when it is given up for want of time to spare (spare-time.ts). */
  mayBeLost?: boolean;
  do(items: Item[]): Promise<unknown>;
}

export interface Background {
  /** Takes an item of work. Returns at once. */
  add<Item>(work: Work<Item>, item: Item): void;
}

/** An item in the line. */
interface Waiting {
  work: Work<unknown>;
  item: unknown;
  since: number;
}

/** The line of one worker; `keepAlive` is told of the work until the line is empty. `now`: milliseconds of any clock. */
export function openBackground(
  log: Log,
  keepAlive: (work: Promise<void>) => void,
  now = () => performance.now(),
): Background {
  let line: Waiting[] = [];
  let atWork = 0;

  return {
    add(work, item) {
      if (line.length + atWork >= longestLine)
        return log(work.code, new Error(`dropped: ${longestLine} others wait already`));
      line.push({ work: work as Work<unknown>, item, since: now() });
      if (line.length + atWork === 1) keepAlive(workOff());
    },
  };

  async function workOff(): Promise<void> {
    await new Promise((gathered) => setTimeout(gathered, line[0].work.gather ?? 0));
    while (line.length > 0) {
      const [{ work }] = line;
      const together = line.filter((each) => each.work === work).slice(0, mostTogether);
      line = line.filter((each) => !together.includes(each));
      atWork = together.length;
      const inTime = together.filter(({ since }) => now() - since <= longestWaitMilliseconds);
      if (inTime.length < together.length) {
        const seconds = (now() - together[0].since) / 1000;
        log(
          work.code,
          new Error(`dropped: ${together.length - inTime.length}, after waiting for ${seconds.toFixed(0)} s`),
        );
      }
      await all(
        work,
        inTime.map(({ item }) => item),
      );
      atWork = 0;
    }
  }

  /** Together; where that fails each alone, so that one does not take the others with it. */
  async function all(work: Work<unknown>, items: unknown[]): Promise<void> {
    if (items.length === 0) return;
    try {
      await work.do(items);
    } catch (error) {
      if (items.length === 1) return log(work.code, error);
      for (const item of items) await all(work, [item]);
    }
  }
}
