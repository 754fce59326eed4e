/** Measures what feeds were like, as pg_cron does every hour, where it does not: `recsys serve` and `recsys worker`. */
import type pg from "pg";
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
      await pool.query("select recsys.measure_days()");
      const { rows } = await pool.query("select day::text from recsys.unmeasured_days()");
      // each in a transaction of its own: on the embedded database feeds wait while one is measured, 0.1 s of the synthetic community
      for (const { day } of rows) if (!signal.aborted) await pool.query("select recsys.measure_day($1)", [day]);
    },
    every,
    onError,
  );
}
