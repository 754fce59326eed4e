/**
 * Queue for work that runs only while a worker is idle, such as shadow scoring. Unlike background-queue.ts, it gives
 * way to every answer, and drops an item that found no idle time soon.
 */
import type { BackgroundTask } from "./background-queue.ts";
import type { Log } from "./log.ts";

/** Maximum number of items, the running one included; each may hold megabytes. */
export const idleQueueCapacity = 4;

/** Maximum time that an item waits for idle time, and that its work may take, in milliseconds. */
export const idleQueueMaxWaitMs = 2_000;
const longestWork = 5_000;

const lookEvery = 20;

export interface IdleQueue {
  /** Takes an item of work, which is done alone. Returns at once. */
  add<Item>(work: BackgroundTask<Item>, item: Item): void;
}

/** The idle queue of one worker; `keepAlive` gets a promise of the work. `now`: milliseconds of any clock. */
export function createIdleQueue(
  log: Log,
  keepAlive: (work: Promise<void>) => void,
  isBusy: () => boolean,
  now = () => performance.now(),
): IdleQueue {
  let inside = 0;
  let line = Promise.resolve();
  return {
    add(work, item) {
      if (inside >= idleQueueCapacity) return givenUp(work, `${inside} others wait already`);
      inside++;
      const since = now();
      line = line.then(async () => {
        await turn(work, item, since).catch((error) => log(work.code, error));
        inside--;
      });
      keepAlive(line);
    },
  };

  function givenUp<Item>(work: BackgroundTask<Item>, why: string): void {
    if (!work.mayBeLost) log(work.code, new Error(`given up: ${why}`));
  }

  async function turn<Item>(work: BackgroundTask<Item>, item: Item, since: number): Promise<void> {
    // lets the answer of the request that added it go out first
    await pause(0);
    while (isBusy()) {
      if (now() - since > idleQueueMaxWaitMs) return givenUp(work, "there was no time to spare");
      await pause(lookEvery);
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<never>((_, giveUp) => {
      timer = setTimeout(() => giveUp(new Error(`given up: it took longer than ${longestWork / 1000} s`)), longestWork);
    });
    await Promise.race([work.do([item]), limit]).finally(() => clearTimeout(timer));
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((over) => setTimeout(over, milliseconds));
}
