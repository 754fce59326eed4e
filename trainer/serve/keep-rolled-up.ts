import type pg from "pg";
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
  if (await hasSchedule(pool)) return async () => {};
  return keep(async () => {
    // an outage must not end it: the next call catches up
    await pool.query("select recsys.roll_up()").catch(onError);
    await pool.query("select recsys.erase()").catch(onError);
  }, every);
}

async function hasSchedule(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query("select to_regclass('cron.job') is not null as present");
  if (!rows[0].present) return false;
  const { rowCount } = await pool.query(
    "select from cron.job where database = current_database() and command like '%recsys.roll_up%' and active",
  );
  return rowCount !== null && rowCount > 0;
}
