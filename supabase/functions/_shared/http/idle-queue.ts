/**
 * Work for when a worker has time to spare: it waits until hardly anybody is being answered, and is given up where that does not come
 * soon. Other than work after an answer (background-queue.ts) it is worth less than any answer, and may be lost whenever there is much to do.
 */
import type { BackgroundTask } from "./background-queue.ts";
import type { Log } from "./log.ts";

/** How many items may be there, the one at work included. Each may hold megabytes. */
export const idleQueueCapacity = 4;

/** How long an item waits for its time, and how long it may take before nobody waits for its end any more, in milliseconds. */
export const idleQueueMaxWaitMs = 2_000;
const longestWork = 5_000;

const lookEvery = 20;

export interface IdleQueue {
  /** Takes an item of work, which is done alone. Returns at once. */
  add<Item>(work: BackgroundTask<Item>, item: Item): void;
}

/** The spare time of one worker; `keepAlive` is told of work until it ends. `now`: milliseconds of any clock. */
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
    // the request that it comes from is on its way out
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
