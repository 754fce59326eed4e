/**
 * Queue of a worker for work after answers. It runs one task at a time, so it holds at most one connection, and batches
 * items of the same task, which is cheaper.
 */
import type { Log } from "./log.ts";

/**
 * Maximum number of items, running ones included: a burst of a hundred feeds fits.
 * Further items are dropped and logged.
 */
export const backgroundQueueCapacity = 200;

/** Maximum wait in milliseconds: an item that waited longer is dropped and logged, so a long queue drains fast. */
export const backgroundMaxWaitMs = 10_000;

/** Maximum batch size. */
export const backgroundMaxBatch = 50;

/** A kind of work. `code` names it in the log if items fail or are dropped. */
export interface BackgroundTask<Item> {
  code: string;
  /** How long the first item waits for others, in milliseconds; by default it does not wait. */
  gather?: number;
  /** Whether to drop it without a log line if there is no idle time (idle-queue.ts). */
  mayBeLost?: boolean;
  do(items: Item[]): Promise<unknown>;
}

export interface BackgroundQueue {
  /** Adds an item and returns at once. */
  add<Item>(work: BackgroundTask<Item>, item: Item): void;
}

/** A queued item. */
interface Waiting {
  work: BackgroundTask<unknown>;
  item: unknown;
  since: number;
}

/**
 * The queue of one worker; `keepAlive` gets a promise that resolves when the queue is
 * empty. `now`: milliseconds of any clock.
 */
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

  /** Runs a batch; if it fails, retries its items one by one, so that one cannot fail the others. */
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
