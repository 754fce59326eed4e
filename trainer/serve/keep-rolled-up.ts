import type pg from "pg";

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
  const stopped = new AbortController();
  const work = (async () => {
    while (!stopped.signal.aborted) {
      // an outage must not end it: the next call catches up
      await pool.query("select recsys.roll_up()").catch(onError);
      await pool.query("select recsys.erase()").catch(onError);
      await pause(every, stopped.signal);
    }
  })();
  return async () => {
    stopped.abort();
    await work;
  };
}

async function hasSchedule(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query("select to_regclass('cron.job') is not null as present");
  if (!rows[0].present) return false;
  const { rowCount } = await pool.query(
    "select from cron.job where database = current_database() and command like '%recsys.roll_up%' and active",
  );
  return rowCount !== null && rowCount > 0;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    });
  });
}
