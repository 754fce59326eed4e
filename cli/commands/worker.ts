/**
 * `recsys worker`: embeds new and edited posts and users where no pg_cron calls the function `embed`, makes topics when another model serves, and measures what
 * feeds were like where no pg_cron does. With `--train` it works the training requests instead: a training takes a processor for minutes, and what waits for a vector must not wait for it.
 */
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { UserError } from "../../db/user-error.ts";
import {
  createThrottledWarning,
  runBatchLoop,
  runEmbeddingLoop,
  runMetricsLoop,
  runTopicLoop,
} from "../../serve/background-loops.ts";
import { checkEncoders } from "../../serve/local-encoders.ts";
import type { Config } from "../../trainer/training/config/config.ts";
import { readConfig } from "../../trainer/training/config/config-file.ts";
import { claimRequest } from "../../trainer/training/queue/training-queue.ts";
import { processTrainingRequest } from "../../trainer/training/queue/work-request.ts";
import { runLine } from "./batch.ts";
import { topicsLine, topicsOfNewModel } from "./topics.ts";
import { type CommandContext, type DatabaseOption, inDatabase, requireVersion } from "./with-database.ts";

export interface WorkerOptions extends DatabaseOption {
  train?: boolean;
  /** Makes lists too. */
  batch?: boolean;
  /** Ends when nothing waits. */
  once?: boolean;
  config?: string;
  /** The folder with models that make vectors of texts. */
  encoders?: string;
}

/** Where trainings keep what finished stages left. */
const trainingFolder = join(".recsys", "training");

/** From an empty queue to the next look; milliseconds. */
const every = 10_000;

/** Works until Ctrl-C; what is in work then is finished, or given back where that takes minutes. */
export async function workerCommand(options: WorkerOptions): Promise<void> {
  if (options.batch && options.train) throw new UserError("--batch and --train are for two workers: leave out one");
  for (const option of ["once", "config"] as const)
    if (options[option] && !options.train)
      throw new UserError(`--${option} goes with --train: add it, or leave out --${option}`);
  if (options.encoders && !options.train) checkEncoders(options.encoders);
  const config = await readConfig(options.config);
  await inDatabase(options, {}, (context) =>
    options.train ? trainWhatWaits(context, options, config) : embed(context, options),
  );
}

async function embed({ database, signal, print }: CommandContext, { batch, encoders }: WorkerOptions): Promise<void> {
  let completed = 0;
  let failed = 0;
  print("embedding new and edited posts and users (Ctrl-C ends it)");
  const stops = [
    runEmbeddingLoop(database, {
      // what an empty variable leaves is none
      encoders: encoders || undefined,
      onDone(batch) {
        completed += batch.completed;
        failed += batch.failed;
      },
    }),
    runTopicLoop(database, { onDone: (made) => print(topicsLine(made)) }),
    await runMetricsLoop(database.pool),
    ...(batch ? [runBatchLoop(database, { onDone: (result) => print(runLine(result)) })] : []),
  ];
  if (!signal.aborted) await once(signal, "abort");
  for (const stop of stops) await stop();
  print(`embedded ${completed}, failed ${failed}`);
}

/** Takes one training request after the other. With `once`, status 1 says that one of them failed. */
async function trainWhatWaits(context: CommandContext, options: WorkerOptions, config: Config): Promise<void> {
  const { database, signal, print } = context;
  const onError = createThrottledWarning("training");
  if (!options.once) print("training when it is asked for (Ctrl-C ends it)");
  let worked = 0;
  while (!signal.aborted) {
    try {
      // an upgrade may come while it runs
      await requireVersion(database);
      const claim = await claimRequest(database);
      if (claim) {
        worked++;
        if ((await processTrainingRequest(context, claim, trainingFolder, config)) === "failed" && options.once)
          process.exitCode = 1;
        // the other worker would do it ten seconds later, where there is one
        await topicsOfNewModel(context);
        continue;
      }
    } catch (error) {
      if (options.once) throw error;
      // an outage must not end it: the requests wait
      onError(error);
    }
    if (options.once) break;
    await setTimeout(every, undefined, { signal }).catch(() => {});
  }
  if (options.once && worked === 0) print("no training request waits");
}
