import type pg from "pg";
import { call, run } from "../supabase/functions/_shared/database/database.ts";
import { hasSchedule } from "./has-schedule.ts";
import { keep } from "./keep.ts";

/**
 * Keeps the feature store fresh while serving, and erases what the app deleted, where pg_cron does not do it: calls
 * recsys.roll_up() and recsys.erase() now and again after each `every` milliseconds. The function that it returns stops
 * that, after the call in progress.
 */
export async function keepRolledUp(
  pool: pg.Pool,
  { every = 10_000, onError = (_: unknown) => {} }: { every?: number; onError?: (error: unknown) => void } = {},
): Promise<() => Promise<void>> {
  if (await hasSchedule(pool, "recsys.roll_up")) return async () => {};
  return keep(async () => {
    // an outage must not end it: the next call catches up
    await run(pool, call("recsys.roll_up", {})).catch(onError);
    await run(pool, call("recsys.erase", {})).catch(onError);
  }, every);
}
