import type pg from "pg";

/** Whether pg_cron calls a function of recsys in this database, such as `recsys.roll_up`, so that nobody else has to. */
export async function hasSchedule(pool: pg.Pool, name: string): Promise<boolean> {
  const { rows } = await pool.query("select to_regclass('cron.job') is not null as present");
  if (!rows[0].present) return false;
  const { rowCount } = await pool.query(
    "select from cron.job where database = current_database() and position($1 || '(' in command) > 0 and active",
    [name],
  );
  return rowCount !== null && rowCount > 0;
}
