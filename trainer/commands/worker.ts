/** `recsys worker`: embeds new and edited posts and users where no pg_cron calls the function `embed`. */
import { once } from "node:events";
import { keepEmbedded, oncePerMessage } from "../serve/keep-embedded.ts";
import { type DatabaseOption, inDatabase } from "./in-database.ts";

/** Works until Ctrl-C; what is in work then is finished. */
export async function workerCommand(options: DatabaseOption): Promise<void> {
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
    if (!signal.aborted) await once(signal, "abort");
    await stop();
    print(`embedded ${completed}, failed ${failed}`);
  });
}
