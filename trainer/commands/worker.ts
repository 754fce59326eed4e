/** `recsys worker`: embeds new and edited posts and users where no pg_cron calls the function `embed`. */
import { once } from "node:events";
import { keepBatched } from "../serve/keep-batched.ts";
import { keepEmbedded, oncePerMessage } from "../serve/keep-embedded.ts";
import { runLine } from "./batch.ts";
import { type DatabaseOption, inDatabase } from "./in-database.ts";

/** Works until Ctrl-C; what is in work then is finished. */
export async function workerCommand(options: DatabaseOption & { batch?: boolean }): Promise<void> {
  await inDatabase(options, {}, async ({ database, signal, print }) => {
    let completed = 0;
    let failed = 0;
    print("embedding new and edited posts and users (Ctrl-C ends it)");
    const stop = keepEmbedded(database, {
      onBatch(batch) {
        completed += batch.completed;
        failed += batch.failed;
      },
      onError: oncePerMessage(console.error),
    });
    const stopBatch = options.batch
      ? keepBatched(database, {
          onRun: (result) => print(runLine(result)),
          onError: (error) => console.error(`lists wait: ${(error as Error).message}`),
        })
      : undefined;
    if (!signal.aborted) await once(signal, "abort");
    await stop();
    await stopBatch?.();
    print(`embedded ${completed}, failed ${failed}`);
  });
}
