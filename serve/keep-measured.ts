/** Measures what feeds were like, as pg_cron does every hour, where it does not: `recsys serve` and `recsys worker`. */

import type pg from "pg";
import { call, run } from "../supabase/functions/_shared/database/database.ts";
import { hasSchedule } from "./has-schedule.ts";
import { keep } from "./keep.ts";

export interface KeepMeasuredOptions {
  /** Milliseconds from one look to the next. */
  every?: number;
  onError?: (error: unknown) => void;
}

/** Catches up with the days that are not measured, now and again after each `every` milliseconds. The function that it returns ends that, after the day in work. */
export async function keepMeasured(
  pool: pg.Pool,
  { every = 3_600_000, onError = () => {} }: KeepMeasuredOptions = {},
): Promise<() => Promise<void>> {
  if (await hasSchedule(pool, "recsys.measure_days")) return async () => {};
  return keep(
    async (signal) => {
      await run(pool, call("recsys.measure_days", {}));
      const days = await run(pool, call("recsys.unmeasured_days", {}));
      // each in a transaction of its own: on the embedded database feeds wait while one is measured, 0.1 s of the synthetic community
      for (const { day } of days) if (!signal.aborted) await run(pool, call("recsys.measure_day", { p_day: day }));
    },
    every,
    onError,
  );
}
