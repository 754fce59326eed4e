/** Background work while functions are served, where neither pg_cron nor the platform does it: what `recsys serve` and `recsys worker` keep up. */
import { setTimeout } from "node:timers/promises";
import { sql } from "kysely";
import type pg from "pg";
import type { Database } from "../db/connect.ts";
import { call, run } from "../supabase/functions/_shared/database/database.ts";
import { openPool } from "../supabase/functions/_shared/database/pool.ts";
import { db } from "../supabase/functions/_shared/database/query.ts";
import { type Embedded, embedBatch } from "../supabase/functions/_shared/embed/embed-batch.ts";
import { encodeBatch } from "../supabase/functions/_shared/embed/encode-posts.ts";
import { platformEncoders } from "../supabase/functions/_shared/embed/encoders.ts";
import { loadRuntime } from "../supabase/functions/_shared/models/inference.ts";
import { modelCache } from "../supabase/functions/_shared/models/models.ts";
import { type BatchResult, runBatch } from "../trainer/batch/run-batch.ts";
import { topicsAreStale } from "../trainer/topics/are-stale.ts";
import { makeTopics, type TopicsMade } from "../trainer/topics/make-topics.ts";
import { storeIdeas } from "../trainer/topics/store-ideas.ts";
import { localEncoders } from "./local-encoders.ts";

interface KeepOptions<Done = never> {
  /** Milliseconds from the end of a look to the next one. */
  every?: number;
  /** Told of each piece of work that was done. */
  onDone?: (done: Done) => void;
  /** Told of what fails, such as an outage or a broken model, which does not end the work; left out: standard error is. */
  onError?: (error: unknown) => void;
}

/** Ends the work, after the call in progress. */
export type Stop = () => Promise<void>;

/** Calls `work` now, and again `every` milliseconds after each call ended. The signal tells the call in progress to hurry, whose end is then no trouble. */
function keep(work: (signal: AbortSignal) => Promise<void>, every: number, onError: (error: unknown) => void): Stop {
  const stopped = new AbortController();
  const { signal } = stopped;
  const going = (async () => {
    while (!signal.aborted) {
      await work(signal).catch((error) => signal.aborted || onError(error));
      await setTimeout(every, undefined, { signal }).catch(() => {});
    }
  })();
  return async () => {
    stopped.abort();
    await going;
  };
}

/** What lasts for an hour, or is back the next night, is said again; in milliseconds. */
const again = 600_000;

/** Prints each trouble of some work when it begins and every ten minutes while it lasts, not every few seconds. `now`: milliseconds of any clock. */
export function createThrottledWarning(
  work: string,
  print: (line: string) => void = console.error,
  now = () => performance.now(),
): (error: unknown) => void {
  const printed = new Map<string, number>();
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    for (const [earlier, at] of printed) if (now() - at >= again) printed.delete(earlier);
    if (printed.has(message)) return;
    print(`${work} failed and will be retried: ${message}`);
    printed.set(message, now());
  };
}

/**
 * Whether pg_cron calls a function of recsys in this database, such as `recsys.roll_up`, so that this process must
 * not.
 */
async function hasSchedule(pool: pg.Pool, name: string): Promise<boolean> {
  const { rows } = await pool.query("select to_regclass('cron.job') is not null as present");
  if (!rows[0].present) return false;
  const { rowCount } = await pool.query(
    "select from cron.job where database = current_database() and position($1 || '(' in command) > 0 and active",
    [name],
  );
  return rowCount !== null && rowCount > 0;
}

/** Keeps the feature store fresh, and erases what the app deleted. */
export async function runRollUpLoop(
  pool: pg.Pool,
  { every = 10_000, onError = createThrottledWarning("feature store") }: KeepOptions = {},
): Promise<Stop> {
  if (await hasSchedule(pool, "recsys.roll_up")) return async () => {};
  return keep(
    async () => {
      await run(pool, call("recsys.roll_up", {})).catch(onError);
      await run(pool, call("recsys.erase", {})).catch(onError);
    },
    every,
    onError,
  );
}

/** Measures what feeds were like, day by day, until all days are measured that can be; hurried, it ends after the day in work. */
export async function runMetricsLoop(
  pool: pg.Pool,
  { every = 3_600_000, onError = createThrottledWarning("measuring") }: KeepOptions = {},
): Promise<Stop> {
  if (await hasSchedule(pool, "recsys_engine.measure_days")) return async () => {};
  return keep(
    async (signal) => {
      await run(pool, call("recsys_engine.measure_days", {}));
      const days = await run(pool, call("recsys_engine.unmeasured_days", {}));
      // each in a transaction of its own: on the embedded database feeds wait while one is measured, 0.1 s of the synthetic community
      for (const { day } of days)
        if (!signal.aborted) await run(pool, call("recsys_engine.measure_day", { p_day: day }));
    },
    every,
    onError,
  );
}

interface KeepEmbeddedOptions extends KeepOptions<Embedded> {
  /** The folder with models that make vectors of texts; left out: none are made here. */
  encoders?: string | undefined;
}

/** Works the queue of re-embedding in this process, as the function `embed` does where pg_cron calls it. */
export function runEmbeddingLoop(
  { url }: { url: string },
  { every = 2_000, encoders: folder, onDone, onError = createThrottledWarning("embedding") }: KeepEmbeddedOptions = {},
): Stop {
  // as the functions have it: what hangs is given up
  const pool = openPool(url, onError, { max: 1 });
  const local = folder === undefined ? undefined : localEncoders(folder, onError);
  // Node has no encoder of the platform's: that is said, once
  const encoders = local?.encoders ?? platformEncoders(onError);
  const services = { pool, models: modelCache(loadRuntime), encoders };
  const stop = keep(
    async (signal) => {
      let encoded: number;
      do {
        for (let batch = await embedBatch(services); batch; batch = signal.aborted ? null : await embedBatch(services))
          onDone?.(batch);
        encoded = await encodeBatch(services);
      } while (encoded > 0 && !signal.aborted);
    },
    every,
    onError,
  );
  return async () => {
    await stop();
    await local?.stop();
    await pool.end();
  };
}

/**
 * Makes topics and ideas again after each switch of the model; keeps unfinished topics. `pause`: milliseconds before
 * it tries again after a failure, since a try may take a processor for a minute.
 */
export function runTopicLoop(
  database: Database,
  {
    every = 10_000,
    pause = 300_000,
    onDone,
    onError = createThrottledWarning("topics"),
  }: KeepOptions<TopicsMade> & { pause?: number } = {},
): Stop {
  let notBefore = 0;
  return keep(
    async (signal) => {
      if (performance.now() < notBefore || !(await topicsAreStale(database))) return;
      const made = await makeTopics({ database, onProgress: () => {}, signal });
      if (made) onDone?.(made);
      await storeIdeas(database);
    },
    every,
    (error) => {
      notBefore = performance.now() + pause;
      onError(error);
    },
  );
}

/** Works the runs of lists that pg_cron begins each night; hurried, it ends after the page in work. */
export function runBatchLoop(
  database: Database,
  { every = 30_000, onDone, onError = createThrottledWarning("lists") }: KeepOptions<BatchResult> = {},
): Stop {
  const running = db
    .selectFrom("recsys_engine.batch_runs")
    .select("run_id")
    .where("status", "=", "running")
    // as in recsys_engine.begin_batch_run(): a run without a worker that night is over
    .where("started_at", ">", sql<Date>`now() - interval '6 hours'`);
  return keep(
    async (signal) => {
      if ((await run(database.pool, running)).length > 0)
        onDone?.(await runBatch({ database, onProgress: () => {}, signal }));
    },
    every,
    onError,
  );
}
