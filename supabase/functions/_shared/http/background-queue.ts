/**
 * Work that no answer waits for: one piece after another in each worker, so that it never holds more than one of the worker's
 * connections. Three impressions that waited for a lock once held all three, and the fourth feed got 503. What waits is done together
 * where that is cheaper: 16 concurrent clients showed pages faster than they could be logged one by one.
 */
import type { Log } from "./log.ts";

/** How many items may wait, those at work included: a burst of a hundred feeds fits. What comes on top is dropped and logged. */
export const backgroundQueueCapacity = 200;

/** An item that has waited this long is dropped and logged when its turn comes, so that no line outlives its cause for long. */
export const backgroundMaxWaitMs = 10_000;

/** At most so many items are done together. */
export const backgroundMaxBatch = 50;

/** A kind of work. `code` names it in the log when items fail or are dropped. */
export interface BackgroundTask<Item> {
  code: string;
  /** How long the first item waits for others, in milliseconds; by default it does not. */
  gather?: number;
  /** Nobody need know of it when it is given up for want of time to spare (idle-queue.ts). */
  mayBeLost?: boolean;
  do(items: Item[]): Promise<unknown>;
}

export interface BackgroundQueue {
  /** Takes an item of work. Returns at once. */
  add<Item>(work: BackgroundTask<Item>, item: Item): void;
}

/** An item in the line. */
interface Waiting {
  work: BackgroundTask<unknown>;
  item: unknown;
  since: number;
}

/** The line of one worker; `keepAlive` is told of the work until the line is empty. `now`: milliseconds of any clock. */
export function createBackgroundQueue(
  log: Log,
  keepAlive: (work: Promise<void>) => void,
  now = () => performance.now(),
): BackgroundQueue {
  let line: Waiting[] = [];
  let atWork = 0;

  return {
    add(work, item) {
      if (line.length + atWork >= backgroundQueueCapacity)
        return log(work.code, new Error(`dropped: ${backgroundQueueCapacity} others wait already`));
      line.push({ work: work as BackgroundTask<unknown>, item, since: now() });
      if (line.length + atWork === 1) keepAlive(workOff());
    },
  };

  async function workOff(): Promise<void> {
    await new Promise((gathered) => setTimeout(gathered, line[0].work.gather ?? 0));
    while (line.length > 0) {
      const [{ work }] = line;
      const together = line.filter((each) => each.work === work).slice(0, backgroundMaxBatch);
      line = line.filter((each) => !together.includes(each));
      atWork = together.length;
      const inTime = together.filter(({ since }) => now() - since <= backgroundMaxWaitMs);
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
  async function all(work: BackgroundTask<unknown>, items: unknown[]): Promise<void> {
    if (items.length === 0) return;
    try {
      await work.do(items);
    } catch (error) {
      if (items.length === 1) return log(work.code, error);
      for (const item of items) await all(work, [item]);
    }
  }
}
