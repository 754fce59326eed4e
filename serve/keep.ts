/** Work that goes on beside serving. */
import { setTimeout } from "node:timers/promises";

/**
 * Calls `work` now, and again `every` milliseconds after each call ended. A failure is told to `onError` and does not end it. The
 * function that it returns does, after the call in progress, which the signal tells to hurry.
 */
export function keep(
  work: (signal: AbortSignal) => Promise<void>,
  every: number,
  onError: (error: unknown) => void = () => {},
): () => Promise<void> {
  const stopped = new AbortController();
  const { signal } = stopped;
  const going = (async () => {
    while (!signal.aborted) {
      try {
        await work(signal);
      } catch (error) {
        onError(error);
      }
      await setTimeout(every, undefined, { signal }).catch(() => {});
    }
  })();
  return async () => {
    stopped.abort();
    await going;
  };
}
