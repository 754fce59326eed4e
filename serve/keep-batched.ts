/** Works the runs of lists that pg_cron begins each night: `recsys worker --batch`. */
import { sql } from "kysely";
import type { Database } from "../db/connect.ts";
import { run } from "../supabase/functions/_shared/database/database.ts";
import { db } from "../supabase/functions/_shared/database/query.ts";
import { type BatchResult, runBatch } from "../trainer/batch/run-batch.ts";
import { keep } from "./keep.ts";

export interface KeepBatchedOptions {
  /** Milliseconds between two looks for a run. */
  every?: number;
  onRun?: (result: BatchResult) => void;
  onError?: (error: unknown) => void;
}

/** Works whatever run is running, now and later. The function that it returns ends that, after the page in work. */
export function keepBatched(database: Database, options: KeepBatchedOptions = {}): () => Promise<void> {
  const { every = 30_000, onRun, onError = () => {} } = options;
  return keep(async (signal) => {
    try {
      const running = db
        .selectFrom("recsys.batch_runs")
        .select("run_id")
        .where("status", "=", "running")
        // as in recsys.begin_batch_run(): a run that nobody worked that night is over
        .where("started_at", ">", sql<Date>`now() - interval '6 hours'`);
      if ((await run(database.pool, running)).length > 0)
        onRun?.(await runBatch({ database, onProgress: () => {}, signal }));
    } catch (error) {
      // an outage or a broken model must not end it: the run waits. To be stopped is no trouble
      if (!signal.aborted) onError(error);
    }
  }, every);
}
