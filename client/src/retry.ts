import { RecsysError } from "./error.ts";

const mostTries = 4;
/** Who is told to come back later than this is told of the error instead. */
const mostSeconds = 30;

/** Does what may be done twice, again where it may work the next time: after 1, 2 and 4 seconds, or as long as the functions say. */
export async function withRetries<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RecsysError) || !isTransient(error) || tries === mostTries) throw error;
      // not all phones of a community at the same time
      const seconds = (error.retryAfter ?? 2 ** (tries - 1)) * (1 + Math.random() / 4);
      await wait(seconds, signal);
    }
  }
}

function isTransient({ code, status, retryAfter }: RecsysError): boolean {
  return code !== "aborted" && (retryAfter ?? 0) <= mostSeconds && (status === null || status === 429 || status >= 500);
}

/** Ends early, without an error, where the signal is aborted: the next try finds out. */
async function wait(seconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((over) => {
    setTimeout(over, seconds * 1000);
    signal?.addEventListener("abort", () => over(), { once: true });
  });
}
